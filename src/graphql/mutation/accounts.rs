//! Accounts and sign-ins.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::letters::{self, Letter};
use crate::{
    auth::{
        self,
        account::{self, New},
        cookie, registration,
        session::{self, Started},
        whence,
    },
    clock::Moment,
    config::{Registration, Secret},
    entity::user,
    error::Error,
    graphql::{
        context::ContextExt,
        error::Result,
        id,
        types::{session::Session, user::User},
    },
    state::App,
};

/// A new account.
#[derive(InputObject)]
struct RegisterInput {
    /// The address to sign in with; case does not matter.
    email: String,
    /// The password, of 12 to 128 characters and not easily guessed.
    password: String,
    /// What to call its holder, in 1 to 100 characters.
    name: String,
    /// What follows the `#` of the link that was sent, or the token of an invitation of this address. Needed unless
    /// `registration` is `OPEN`; where that is `MAIL`, an invitation counts as it stands in the letter alone.
    token: Option<String>,
}

/// Who wants an account.
#[derive(InputObject)]
struct RequestRegistrationInput {
    /// The address to sign in with; case does not matter.
    email: String,
}

/// Who wants to sign in.
#[derive(InputObject)]
struct SignInInput {
    /// The account's address; case does not matter.
    email: String,
    /// Its password.
    password: String,
}

/// Which sign-in to end.
#[derive(InputObject)]
struct RevokeSessionInput {
    /// Id of the session, such as `ses_0199…`.
    id: ID,
}

/// Somebody has signed in. Browsers get the token as a cookie besides.
#[derive(SimpleObject)]
struct SignInPayload {
    /// Who it is.
    user: User,
    /// The session that has begun. The token is worth something only while it lasts.
    session: Session,
    /// To be sent as `Authorization: Bearer …` with requests. It is shown only here.
    token: String,
    /// When the token stops working by itself.
    expires_at: Moment,
}

/// A link was asked for. The answer is the same whether the address has an account or not.
#[derive(SimpleObject)]
struct RequestRegistrationPayload {
    /// Whether this server sends mail. Where it does not, whoever runs it can print a link by
    /// `event-analytics register-link`.
    sends_mail: bool,
}

/// Somebody has signed out.
#[derive(SimpleObject)]
struct SignOutPayload {
    /// The session that has ended; null when nobody was signed in.
    session: Option<Session>,
}

/// A session has ended.
#[derive(SimpleObject)]
struct RevokeSessionPayload {
    /// The session that has ended.
    session: Session,
}

/// Other sessions have ended.
#[derive(SimpleObject)]
struct RevokeOtherSessionsPayload {
    /// How many there were.
    revoked: u32,
}

#[derive(Default)]
pub(super) struct AccountMutations;

#[Object]
impl AccountMutations {
    /// Makes an account and signs it in. An address that has an account is answered with the code
    /// `CONFLICT`. Unless `registration` is `OPEN` it takes a token: without one the code is `FORBIDDEN`, with one that
    /// is unknown, too old or for another address `NOT_FOUND`. Attempts are limited by client address, together
    /// with sign-ins.
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new account.")] input: RegisterInput,
    ) -> Result<SignInPayload> {
        let app = ctx.app();
        auth::attempt(&app.limiter, &app.config.limits, ctx.client().ip).await?;
        let password = Secret::new(&*input.password);
        let RegisterInput { email, name, token, .. } = &input;
        let new = New { email, name, password, token: token.as_deref(), ip: Some(ctx.client().ip) };
        let user = account::register(&app.db, &app.clock, app.config.registration, &app.invitations, new).await?;
        sign_in(ctx, user).await
    }

    /// Sends a link to an address, by which an account is made for it within a day; where it has an account, the
    /// letter says so. The answer tells nothing of which it is, and neither does the time it takes. The code is
    /// `FORBIDDEN` where `registration` is `INVITED`. Attempts are limited by client address, together with
    /// sign-ins; an address gets three letters an hour.
    async fn request_registration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who wants an account.")] input: RequestRegistrationInput,
    ) -> Result<RequestRegistrationPayload> {
        let app = ctx.app();
        auth::attempt(&app.limiter, &app.config.limits, ctx.client().ip).await?;
        if app.config.registration == Registration::Invited {
            return Err(Error::Forbidden("Making an account takes an invitation here.").into());
        }
        let email = account::checked_email("input.email", &input.email)?;
        let sends_mail = letters::post(app, "register", email.clone(), write(app.clone(), email))?;
        Ok(RequestRegistrationPayload { sends_mail })
    }

    /// Signs in with e-mail address and password. What of the two was wrong is not said: either
    /// way the code is `UNAUTHENTICATED`. Attempts are limited by client address.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who signs in.")] input: SignInInput,
    ) -> Result<SignInPayload> {
        let app = ctx.app();
        auth::attempt(&app.limiter, &app.config.limits, ctx.client().ip).await?;
        let user = account::sign_in(&app.db, &input.email, Secret::new(input.password)).await;
        if matches!(user, Err(Error::Unauthenticated(_))) {
            tracing::info!(network = %whence(ctx.client().ip), "a sign-in failed");
        }
        let user = user?;
        sign_in(ctx, user).await
    }

    /// Ends the session this request was made with, and makes a browser forget its cookie. Does
    /// nothing for a stranger.
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<SignOutPayload> {
        ctx.append_http_header("set-cookie", cookie::SESSION.clear(&ctx.app().config.public_url));
        let Some(viewer) = ctx.maybe_viewer() else { return Ok(SignOutPayload { session: None }) };
        let ended = ctx.app().sessions.revoke(viewer, viewer.session_id).await?;
        Ok(SignOutPayload { session: Some(Session(ended)) })
    }

    /// Ends one of the viewer's sessions; its token stops working at once.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sign-in to end.")] input: RevokeSessionInput,
    ) -> Result<RevokeSessionPayload> {
        let viewer = ctx.viewer()?;
        let ended = ctx.app().sessions.revoke(viewer, id::session(&input.id)?).await?;
        Ok(RevokeSessionPayload { session: Session(ended) })
    }

    /// Ends every session of the viewer but the one this request was made with.
    async fn revoke_other_sessions(&self, ctx: &Context<'_>) -> Result<RevokeOtherSessionsPayload> {
        let revoked = ctx.app().sessions.revoke_others(ctx.viewer()?).await?;
        Ok(RevokeOtherSessionsPayload { revoked: u32::try_from(revoked).unwrap_or(u32::MAX) })
    }
}

async fn write(app: App, email: String) -> crate::error::Result<Option<Letter>> {
    let server = letters::name(&app);
    let text = match registration::request(&app.db, &app.clock, &email).await? {
        Some(token) => format!(
            "Somebody, probably you, wants to make an account at {server}.\n\n\
             This link does it, once and within a day:\n\n{}\n\n\
             If it was not you, do nothing.\n",
            registration::link(&token, &app.config.public_url).expose(),
        ),
        None => format!(
            "Somebody, probably you, wanted to make an account at {server}. You have one already:\n\n{}\n\n\
             If it was not you, do nothing.\n",
            app.config.public_url.join("sign-in").map_err(Error::internal)?,
        ),
    };
    Ok(Some(Letter { subject: "Your account", text }))
}

async fn sign_in(ctx: &Context<'_>, user: user::Model) -> Result<SignInPayload> {
    let started = begin(ctx, user.id).await?;
    Ok(SignInPayload {
        user: User(user),
        token: started.token.expose().to_owned(),
        expires_at: Moment(started.session.expires_at),
        session: Session(started.session),
    })
}

/// Begins a session of an account, and gives its token to the browser.
pub(super) async fn begin(ctx: &Context<'_>, user: Uuid) -> Result<Started> {
    let (app, client) = (ctx.app(), ctx.client());
    let started = app.sessions.start(user, client.user_agent.as_deref(), Some(client.ip)).await?;
    let (token, lifetime) = (started.token.expose(), session::LIFETIME.as_secs() as i64);
    ctx.append_http_header("set-cookie", cookie::SESSION.set(token, lifetime, &app.config.public_url));
    Ok(started)
}
