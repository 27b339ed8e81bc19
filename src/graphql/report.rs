//! What every response says beside its data: `cost`, `cached` and `asOf`, and a code on every error. The
//! cost is known once the document is validated, and is taken from its sender there.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_graphql::{
    Response, ServerError, ValidationResult, Value,
    async_trait::async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextRequest, NextValidation},
};

use super::{charge::Charge, error, guard, loader::RequestLoader};
use crate::{clock::Moment, state::App};

/// Adds the report to every response, on every transport.
pub struct Report;

impl ExtensionFactory for Report {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Reporter::default())
    }
}

#[derive(Default)]
struct Reporter {
    cost: AtomicUsize,
}

#[async_trait]
impl Extension for Reporter {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        for failure in &mut response.errors {
            classify(failure);
        }
        response.extension("cost", Value::from(self.cost.load(Ordering::Relaxed)))
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result =
            next.run(ctx).await.map_err(|errors| errors.into_iter().map(guard::explain).collect::<Vec<_>>())?;
        self.cost.store(result.complexity, Ordering::Relaxed);
        if let (Some(app), Some(charge)) = (ctx.data_opt::<App>(), ctx.data_opt::<Arc<Charge>>()) {
            charge.take(app, result.complexity).await.map_err(|refusal| vec![error::of_request(&refusal)])?;
        }
        Ok(result)
    }

    async fn execute(&self, ctx: &ExtensionContext<'_>, operation: Option<&str>, next: NextExecute<'_>) -> Response {
        let mut response = next.run(ctx, operation).await;
        let Some(loader) = ctx.data_opt::<RequestLoader>() else { return response };
        let freshness = loader.loader().freshness();
        if let Some(as_of) = freshness.as_of() {
            response = response.extension("asOf", async_graphql::ScalarType::to_value(&Moment(as_of)));
        }
        if let Some(cached) = freshness.cached() {
            response = response.extension("cached", Value::from(cached));
        }
        response
    }
}

/// Failures of ours carry their code; those that async-graphql finds are faults of the document or
/// its variables.
pub(super) fn classify(failure: &mut ServerError) {
    let extensions = failure.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        extensions.set("code", error::BAD_DOCUMENT);
    }
}
