//! What an owner can choose for an app.

use async_graphql::Enum;

use crate::entity::app;

/// What is kept of a visitor's address.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpMode {
    /// What the server is told: the network, unless its operator has decided otherwise.
    ServerDefault,
    /// The whole address.
    Full,
    /// The network it belongs to, which tells a provider and a region but no household.
    Network,
    /// Nothing. Country and visitor are still found out before it is dropped.
    None,
}

impl IpMode {
    /// As it is stored.
    pub fn stored(self) -> Option<app::IpMode> {
        match self {
            Self::ServerDefault => None,
            Self::Full => Some(app::IpMode::Full),
            Self::Network => Some(app::IpMode::Network),
            Self::None => Some(app::IpMode::None),
        }
    }
}

impl From<Option<app::IpMode>> for IpMode {
    fn from(stored: Option<app::IpMode>) -> Self {
        match stored {
            None => Self::ServerDefault,
            Some(app::IpMode::Full) => Self::Full,
            Some(app::IpMode::Network) => Self::Network,
            Some(app::IpMode::None) => Self::None,
        }
    }
}

/// What becomes of events that nobody is behind, as their user agent says.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "app::BotPolicy")]
pub enum BotPolicy {
    /// They are kept and marked, and reports leave them out unless asked for them.
    Mark,
    /// They are not kept.
    Drop,
    /// They count like those of people.
    Count,
}
