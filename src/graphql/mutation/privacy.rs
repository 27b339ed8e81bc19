//! What people may demand of their data.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::visible;
use crate::{
    analytics::BigInt,
    clock::Moment,
    graphql::{
        context::ContextExt,
        error::Result,
        guard::REPORT,
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

/// Whose data to export from which app.
#[derive(InputObject)]
struct ExportUserInput {
    /// Id of the app, such as `app_0199…`.
    app_id: ID,
    /// The person's user id, or an anonymous id of theirs: any id by which `user` finds them.
    user_id: String,
}

/// A person's data can be downloaded.
#[derive(SimpleObject)]
struct ExportUserPayload {
    /// The app.
    app: App,
    /// The download.
    export: UserExport,
}

/// All that an app keeps of a person, as a file that can be downloaded for a while.
#[derive(SimpleObject)]
struct UserExport {
    /// Where it is downloaded: newline-delimited JSON, a line for each event. Whoever has this address can
    /// download the file, without signing in. Give it to nobody but the person.
    url: String,
    /// When the address stops working: a quarter of an hour after it was asked for.
    expires_at: Moment,
    /// Number of events in it: what `user` counts with bots included, and what counts for the other ids from
    /// before they were linked.
    events: BigInt,
    /// The ids by which the app knows the person: the one that their events count for from now on, and all
    /// that are linked to it.
    ids: Vec<String>,
}

#[derive(Default)]
pub(super) struct PrivacyMutations;

#[Object]
impl PrivacyMutations {
    /// Erases a person from an app: every event that counts for them or for an id that is linked to them,
    /// the links, and whatever else holds their ids, wherever the server keeps it. This cannot be undone.
    /// Events that arrive afterwards count as those of somebody new. Asked again, it finds nothing left and
    /// says so in a receipt. Takes the role `ADMIN`.
    #[graphql(complexity = "10 * REPORT + child_complexity")]
    async fn erase_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to erase from which app.")] input: EraseUserInput,
    ) -> Result<EraseUserPayload> {
        let viewer = ctx.viewer()?;
        let (model, scope) = visible(ctx, &input.app_id).await?;
        let erasure = ctx.app().eraser().erase(scope.may()?, viewer, &input.user_id).await?;
        Ok(EraseUserPayload { app: App::new(model, scope), erasure: Erasure(erasure) })
    }

    /// Prepares a file of all events of a person: those that count for them or for an id that is linked to
    /// them, with every field, as of now. Events that still wait for the database are not in it. Takes the
    /// role `ADMIN`.
    #[graphql(complexity = "10 * REPORT + child_complexity")]
    async fn export_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose data to export from which app.")] input: ExportUserInput,
    ) -> Result<ExportUserPayload> {
        let viewer = ctx.viewer()?;
        let (model, scope) = visible(ctx, &input.app_id).await?;
        let made = ctx.app().exporter().prepare(scope.may()?, viewer, &input.user_id).await?;
        let server = ctx.app().config.public_url.as_str().trim_end_matches('/');
        let export = UserExport {
            url: format!("{server}/api/v1/exports/{}", made.token.expose()),
            expires_at: Moment(made.expires_at),
            events: BigInt(made.events),
            ids: made.ids,
        };
        Ok(ExportUserPayload { app: App::new(model, scope), export })
    }
}
