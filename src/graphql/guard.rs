//! What a document may look like, checked before it can do harm.
//!
//! async-graphql checks depth and complexity, but only while it walks a document that it has
//! parsed and whose fragments it expands wherever they are spread. Its parser recurses: a few
//! kilobytes of nested brackets overflow the stack, which ends the process. Its walks expand:
//! a few hundred bytes of fragments that spread one another cost seconds and gigabytes. So the
//! text is measured before the parser sees it, and the document before anything walks it.
//!
//! [`Guard`] is an extension of the schema, and so holds on every transport.

mod document;
mod fields;
mod text;

use std::sync::Arc;

use async_graphql::{
    ServerError, ServerResult, Value, Variables,
    async_trait::async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextParseQuery},
    parser::{parse_query, types::ExecutableDocument},
};

use super::error;
use crate::{
    analytics::filter::EventFilter,
    error::{Error, Result},
};

/// Levels of fields. GraphiQL asks for the schema with 15.
pub const MAX_DEPTH: usize = 20;

/// Points of complexity; see the `complexity` attributes. GraphiQL's introspection costs some 500.
pub const MAX_COMPLEXITY: usize = 10_000;

/// Points of a report, which may have to look at every event of its range.
pub const REPORT: usize = 100;

/// Points of a report on what these filters choose: each thing that visitors must have done takes going
/// through the events once more.
pub fn report<'a>(filters: impl IntoIterator<Item = &'a EventFilter>) -> usize {
    REPORT + passes(filters)
}

/// Points of what these filters ask of visitors.
pub fn passes<'a>(filters: impl IntoIterator<Item = &'a EventFilter>) -> usize {
    REPORT * filters.into_iter().map(EventFilter::passes).sum::<usize>()
}

/// Points of what is read about one user or one app by its index.
pub const LOOKUP: usize = 20;

/// Levels of lists and objects in arguments, those of the document and of its variables together.
/// Reading a level of a filter takes a lot of stack.
const MAX_INPUT_DEPTH: usize = 24;

pub use self::{
    document::asks_one,
    fields::{authentications, fields_of, introspects, only_asks},
};

/// Reads a document, unless its text, its shape or its variables are out of bounds.
pub fn parse(query: &str, variables: &Variables) -> ServerResult<ExecutableDocument> {
    check_text(query, variables).map_err(|refusal| error::of_request(&refusal))?;
    let document = parse_query(query)?;
    document::check(&document).map_err(|refusal| error::of_request(&refusal))?;
    Ok(document)
}

fn check_text(query: &str, variables: &Variables) -> Result<()> {
    let literal = text::check(query)?;
    let variable = variables.values().map(depth).max().unwrap_or_default();
    if literal + variable > MAX_INPUT_DEPTH {
        return Err(too_much("levels of lists and objects in arguments", MAX_INPUT_DEPTH));
    }
    Ok(())
}

/// Levels of lists and objects. The JSON parser has bounded them, so this may recurse.
fn depth(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Marks a request whose document has come through [`parse`] already.
pub struct Guarded;

/// Lets no document through that [`parse`] would refuse.
pub struct Guard;

impl ExtensionFactory for Guard {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Guard {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        if ctx.data_opt::<Guarded>().is_some() {
            return next.run(ctx, query, variables).await;
        }
        // Not `next`: whatever follows would parse and walk before anything was measured.
        parse(query, variables)
    }
}

/// A document that asks for too much, and of what.
fn too_much(what: &str, max: usize) -> Error {
    Error::CostExceeded(format!("The document holds more than {max} {what}. Ask for less in one request."))
}

/// The refusal of a document by the schema's own limits, in words of ours; others stay as they are.
pub(super) fn explain(refusal: ServerError) -> ServerError {
    let explained = match refusal.message.as_str() {
        "Query is too complex." => Error::CostExceeded(format!(
            "The query costs more than {MAX_COMPLEXITY} points. Select fewer reports, or ask for smaller pages."
        )),
        "Query is nested too deep." => {
            Error::CostExceeded(format!("The query nests fields more than {MAX_DEPTH} levels deep."))
        }
        _ => return refusal,
    };
    error::of_request(&explained)
}
