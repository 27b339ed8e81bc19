//! Passwords: changed, and replaced when they are forgotten.

use std::net::IpAddr;

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::{
    accounts::begin,
    letters::{self, Letter},
};
use crate::{
    auth::{self, account, password::change},
    clock::Moment,
    config::Secret,
    graphql::{context::ContextExt, error::Result, types::session::Session},
    state::App,
};

/// The password until now, and the one from now on.
#[derive(InputObject)]
struct ChangePasswordInput {
    /// The password until now.
    current_password: String,
    /// The password from now on, of 12 to 128 characters and not easily guessed.
    new_password: String,
}

/// Whose password was forgotten.
#[derive(InputObject)]
struct RequestPasswordResetInput {
    /// The account's address; case does not matter.
    email: String,
}

/// What to set instead of a forgotten password.
#[derive(InputObject)]
struct ResetPasswordInput {
    /// What follows the `#` of the link.
    token: String,
    /// The password from now on, of 12 to 128 characters and not easily guessed.
    new_password: String,
}

/// The viewer has another password. Browsers get the token as a cookie besides.
#[derive(SimpleObject)]
struct ChangePasswordPayload {
    /// The session that has begun in the place of all others.
    session: Session,
    /// Its token, to be sent as `Authorization: Bearer …` with requests. It is shown only here.
    token: String,
    /// When the token stops working by itself.
    expires_at: Moment,
    /// How many sessions have ended, the one this request was made with among them.
    revoked_sessions: u32,
}

/// A link was asked for. The answer is the same whether there is such an account or not.
#[derive(SimpleObject)]
struct RequestPasswordResetPayload {
    /// Whether this server sends mail. Where it does not, whoever runs it can print a link by
    /// `event-analytics reset-link`.
    sends_mail: bool,
}

/// A forgotten password was replaced.
#[derive(SimpleObject)]
struct ResetPasswordPayload {
    /// How many sessions of the account have ended: all of them. Sign in with the new password.
    revoked_sessions: u32,
}

#[derive(Default)]
pub(super) struct PasswordMutations;

#[Object]
impl PasswordMutations {
    /// Changes the viewer's password, ends every session of theirs and begins another. Attempts are limited
    /// by client address, together with sign-ins.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password until now, and the one from now on.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        let (app, viewer) = (ctx.app(), ctx.viewer()?);
        auth::attempt(&app.limiter, &app.config.limits, ctx.client().ip).await?;
        let (current, new) = (Secret::new(input.current_password), Secret::new(input.new_password));
        let revoked = change::change(&app.db, &app.clock, viewer, current, new).await?;
        let started = begin(ctx, viewer.user_id).await?;
        Ok(ChangePasswordPayload {
            token: started.token.expose().to_owned(),
            expires_at: Moment(started.session.expires_at),
            session: Session(started.session),
            revoked_sessions: u32::try_from(revoked).unwrap_or(u32::MAX),
        })
    }

    /// Sends a link to the account of an address, where there is one, by which its password can be set within
    /// an hour, once. The answer tells nothing of whether there is, and neither does the time it takes.
    /// Attempts are limited by client address, together with sign-ins; an address gets three links an hour.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose password was forgotten.")] input: RequestPasswordResetInput,
    ) -> Result<RequestPasswordResetPayload> {
        let app = ctx.app();
        auth::attempt(&app.limiter, &app.config.limits, ctx.client().ip).await?;
        let email = account::checked_email("input.email", &input.email)?;
        let written = write(app.clone(), email.clone(), ctx.client().ip);
        let sends_mail = letters::post(app, "reset", email, written)?;
        Ok(RequestPasswordResetPayload { sends_mail })
    }

    /// Sets the password of the account that a link was sent to, and ends every session of it. A token that was
    /// used, or is older than an hour, is answered with the code `NOT_FOUND`. Attempts are limited by client
    /// address, together with sign-ins.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link's token, and the new password.")] input: ResetPasswordInput,
    ) -> Result<ResetPasswordPayload> {
        let (app, ip) = (ctx.app(), ctx.client().ip);
        auth::attempt(&app.limiter, &app.config.limits, ip).await?;
        let new = Secret::new(input.new_password);
        let revoked = change::reset(&app.db, &app.clock, &input.token, new, Some(ip)).await?;
        Ok(ResetPasswordPayload { revoked_sessions: u32::try_from(revoked).unwrap_or(u32::MAX) })
    }
}

async fn write(app: App, email: String, ip: IpAddr) -> crate::error::Result<Option<Letter>> {
    let Some(reset) = change::request(&app.db, &app.clock, &email, Some(ip)).await? else { return Ok(None) };
    let text = format!(
        "Somebody, probably you, has asked to set a new password for your account at {}.\n\n\
         This link does it, once and within an hour:\n\n{}\n\n\
         If it was not you, do nothing: your password stays as it is.\n",
        letters::name(&app),
        reset.link(&app.config.public_url).expose(),
    );
    Ok(Some(Letter { subject: "Set a new password", text }))
}
