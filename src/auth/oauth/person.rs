//! What a provider says of somebody, in an id_token or when it is asked.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(super) struct Person {
    /// The provider's own id of the account.
    #[serde(rename = "sub")]
    pub subject: String,
    /// Their address, checked or not.
    email: Option<String>,
    /// Whether the provider has checked it, where it says.
    #[serde(default, deserialize_with = "yes_or_no")]
    email_verified: Option<bool>,
    /// What they are called.
    pub name: Option<String>,
}

impl Person {
    /// The address, where the provider vouches for it; one about which it says neither is taken where it is `trusted`.
    pub(super) fn address(&self, trusted: bool) -> Option<&str> {
        self.email.as_deref().filter(|_| self.email_verified.unwrap_or(trusted))
    }

    /// Whether it makes sense to ask for more: nothing was said of the address, or of whether it was checked.
    pub(super) fn is_silent(&self) -> bool {
        self.email.is_none() || self.email_verified.is_none()
    }

    /// The same with what the provider says of their address elsewhere.
    pub(super) fn with(self, told: Self) -> Self {
        Self { name: self.name.or(told.name), subject: self.subject, ..told }
    }
}

/// Some providers write it as text. What is neither is no.
fn yes_or_no<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::Bool(said) => Some(said),
        said => Some(said == "true"),
    })
}
