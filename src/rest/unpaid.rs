//! Bodies in which a key was sought in vain.
//!
//! Where the key stands in the body, the body is read and taken apart before anybody is known to pay for it.
//! A network whose bodies held no good key too often is heard only with the key in the head for a while.

use std::time::Duration;

use uuid::Uuid;

use crate::{error::Result, limiter::Quota, state::App};

/// KiB that a network may have read in vain in a minute, and as many bodies of the largest size at least.
const IN_VAIN: u32 = 64 << 10;
const BODIES: u32 = 8;

/// Refuses before anything is read, where a whole body more would be too much. What is known here is enough: a good
/// sender costs no call of Redis.
pub(super) fn admit(app: &App, network: Uuid) -> Result<()> {
    let (quota, whole) = quota(app);
    app.limiter.known(&name(network), quota, whole).into_result().map(|_| ())
}

/// Counts so many bytes, or what is left where that is less.
pub(super) async fn count(app: &App, network: Uuid, bytes: usize) {
    let (name, (quota, _)) = (name(network), quota(app));
    let counted = app.limiter.check(&name, quota, kibs(bytes)).await;
    if !counted.allowed {
        app.limiter.check(&name, quota, counted.remaining).await;
    }
}

/// The quota, and what a whole body takes of it.
fn quota(app: &App) -> (Quota, u32) {
    let whole = kibs(app.config.limits.body_bytes);
    (Quota { permits: IN_VAIN.max(whole.saturating_mul(BODIES)), period: Duration::from_secs(60) }, whole)
}

fn kibs(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX)
}

fn name(network: Uuid) -> String {
    format!("in-vain:{}", network.simple())
}
