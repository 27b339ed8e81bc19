//! Documents that clients name by their digest instead of sending them: persisted queries as Apollo has
//! them, and the list of those that may be asked at all.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Response as Answer, Variables, parser::types::ExecutableDocument};
use axum::http::StatusCode;
use rust_embed::RustEmbed;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Refusal, Unasked};
use crate::{
    cache::Cache,
    error::Error,
    graphql::{Schema, error::not_stored, guard, panel::validate},
    state::App,
};

/// The questions of the dashboard, which are ours and therefore always on the list.
#[derive(RustEmbed)]
#[folder = "dashboard/operations"]
struct OfDashboard;

/// What `extensions.persistedQuery` of a request says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Persisted {
    version: u32,
    sha256_hash: String,
}

/// Documents by their digests.
#[derive(Clone)]
pub(super) struct Stored {
    cache: Cache,
    /// Those that may be asked; all may where there is no list.
    listed: Option<Arc<HashMap<String, Arc<str>>>>,
}

/// A document as it was found.
pub(super) struct Document {
    pub(super) text: String,
    /// What the client wants it to be known by from now on.
    digest: Option<String>,
}

impl Stored {
    pub(super) fn of(app: &App) -> Self {
        let listed = app.config.graphql.operations.as_ref().map(|listed| {
            let own = OfDashboard::iter().filter_map(|name| {
                let text = OfDashboard::get(&name)?.data;
                Some(String::from_utf8_lossy(&text).into_owned())
            });
            let all = listed.iter().cloned().chain(own);
            Arc::new(all.map(|text| (digest(text.trim()), Arc::from(text.trim()))).collect())
        });
        Self { cache: app.cache.clone(), listed }
    }

    /// The document that a request sends or names; answered at once where it names one that is not known.
    pub(super) async fn find(&self, query: Option<String>, named: Option<Persisted>) -> Result<Document, Unasked> {
        let wanted = named.map(|named| named.checked()).transpose()?;
        let query = query.filter(|query| !query.trim().is_empty());
        if let (Some(query), Some(wanted)) = (&query, &wanted)
            && digest(query) != *wanted
        {
            return Err(invalid("extensions.persistedQuery.sha256Hash", "It is not the digest of query.").into());
        }
        let known = match (&self.listed, &query, &wanted) {
            (_, None, None) => return Err(invalid("query", "query must hold a GraphQL document.").into()),
            (Some(listed), Some(query), _) => match listed.get(&digest(query.trim())) {
                Some(listed) => listed.to_string(),
                None => return Err(Error::Forbidden("Only stored operations are answered here.").into()),
            },
            (Some(listed), None, Some(wanted)) => listed.get(wanted).ok_or_else(unknown)?.to_string(),
            (None, Some(_), _) => return Ok(Document { text: query.unwrap_or_default(), digest: wanted }),
            (None, None, Some(wanted)) => {
                let found = self.cache.get::<String>(&key(wanted)).await;
                // What others share with us is not believed blindly.
                found.filter(|text| digest(text) == *wanted).ok_or_else(unknown)?
            }
        };
        Ok(Document { text: known, digest: None })
    }

    /// Keeps a document that was read, where its client wants that and the schema would run it. It may hold what is
    /// secret if it changes something, and then is not kept.
    pub(super) async fn keep(
        &self,
        schema: &Schema,
        found: &Document,
        document: &ExecutableDocument,
        variables: &Variables,
    ) {
        let Some(digest) = &found.digest else { return };
        if !guard::only_asks(document) {
            return;
        }
        if validate(schema, &found.text, document.clone(), variables.clone()).await.is_none() {
            self.cache.put(&key(digest), &found.text).await;
        }
    }
}

impl Persisted {
    fn checked(self) -> Result<String, Refusal> {
        if self.version != 1 {
            return Err(invalid("extensions.persistedQuery.version", "Only version 1 is known."));
        }
        let hash = self.sha256_hash.to_ascii_lowercase();
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(invalid("extensions.persistedQuery.sha256Hash", "Expected SHA-256 in 64 hex digits."));
        }
        Ok(hash)
    }
}

/// A document was named that is not known.
fn unknown() -> Unasked {
    Unasked::Answered(Box::new(Answer::from_errors(vec![not_stored()])))
}

fn invalid(field: &str, message: &str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, error: Error::invalid(field, message) }
}

fn key(digest: &str) -> String {
    format!("document:{digest}")
}

/// SHA-256 in lower-case hex.
fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |hex, byte| format!("{hex}{byte:02x}"))
}
