//! What people may demand of their data.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::{
    error::Error,
    graphql::{
        context::ContextExt,
        error::Result,
        id,
        loader::VisibleApp,
        types::{app::App, erasure::Erasure},
    },
};

/// Whom to erase from which app.
#[derive(InputObject)]
struct EraseUserInput {
    /// Id of the app, such as `app_0199…`.
    app_id: ID,
    /// The person's user id, or an anonymous id of theirs: any id by which `user` finds them.
    user_id: String,
}

/// A person was erased.
#[derive(SimpleObject)]
struct EraseUserPayload {
    /// The app.
    app: App,
    /// The receipt. Where there is much to remove, `finishedAt` is still null, and set later.
    erasure: Erasure,
}

#[derive(Default)]
pub(super) struct PrivacyMutations;

#[Object]
impl PrivacyMutations {
    /// Erases a person from an app: every event that counts for them or for an id that is linked to them,
    /// the links, and whatever else holds their ids, wherever the server keeps it. This cannot be undone.
    /// Events that arrive afterwards count as those of somebody new. Asked again, it finds nothing left and
    /// says so in a receipt. Only an owner of the app may.
    async fn erase_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to erase from which app.")] input: EraseUserInput,
    ) -> Result<EraseUserPayload> {
        let viewer = ctx.viewer()?;
        let app = id::app(&input.app_id)?;
        let (model, scope) = ctx.loader().load_one(VisibleApp(app)).await?.ok_or(Error::NotFound("app"))?;
        let erasure = ctx.app().eraser().erase(scope, viewer, &input.user_id).await?;
        Ok(EraseUserPayload { app: App::new(model, scope), erasure: Erasure(erasure) })
    }
}
