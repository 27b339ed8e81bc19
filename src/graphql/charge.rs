//! What a request costs its sender in points, taken before anything of it is run.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::{
    error::{Error, Result},
    limiter::{Decision, Quota},
    state::App,
};

/// Over how long the points of a sender are counted.
pub const PERIOD: Duration = Duration::from_secs(60);

/// Who pays for a request, and what came of it; one of these accompanies every request.
#[derive(Debug)]
pub struct Charge {
    payer: String,
    taken: OnceLock<Taken>,
}

/// What a request costs, and whether its sender had as much left.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Points.
    pub cost: usize,
    /// What the limiter said.
    pub decision: Decision,
}

impl Charge {
    /// To be paid by `payer`, such as `user:<id>`.
    pub fn to(payer: String) -> Arc<Self> {
        Arc::new(Self { payer, taken: OnceLock::new() })
    }

    /// Takes the points of a document that is about to be run; `RateLimited` where there are not as many.
    pub async fn take(&self, app: &App, cost: usize) -> Result<()> {
        let quota = Quota { permits: app.config.limits.analytics_points_per_minute, period: PERIOD };
        let points = u32::try_from(cost).unwrap_or(u32::MAX);
        let decision = app.limiter.check(&format!("points:{}", self.payer), quota, points).await;
        self.taken.get_or_init(|| Taken { cost, decision }).decision.into_result().map(|_| ())
    }

    /// What was taken, once anything was.
    pub fn taken(&self) -> Option<Taken> {
        self.taken.get().copied()
    }

    /// The refusal of a document that costs more than its sender has left.
    pub fn refusal(&self) -> Option<(Decision, Error)> {
        let decision = self.taken()?.decision;
        Some((decision, decision.into_result().err()?))
    }
}
