//! Letters that a mutation has the server send.

use std::time::Duration;

use crate::{
    error::{Error, Result},
    limiter::Quota,
    state::App,
};

/// Letters of a kind that one mailbox gets: whoever asks for more changes nothing.
const PER_MAILBOX: Quota = Quota { permits: 3, period: Duration::from_secs(60 * 60) };

/// What is sent.
pub(super) struct Letter {
    /// Its subject.
    pub subject: &'static str,
    /// Its text.
    pub text: String,
}

/// Has a letter of a kind written and sent to `to`, an address as accounts have it, in a task of its own: whatever is
/// found out about the address, the answer does not wait for it. `false` where this server sends no mail;
/// `Unavailable` while too many are on their way.
pub(super) fn post<Written>(app: &App, kind: &'static str, to: String, written: Written) -> Result<bool>
where
    Written: Future<Output = Result<Option<Letter>>> + Send + 'static,
{
    if app.mailer.is_none() {
        return Ok(false);
    }
    let turn = app.letters.clone().try_acquire_owned();
    let turn = turn.map_err(|_| Error::unavailable("too many letters at a time"))?;
    let app = app.clone();
    tokio::spawn(async move {
        let _turn = turn;
        if let Err(error) = send(&app, kind, &to, written).await {
            error.log();
        }
    });
    Ok(true)
}

async fn send(
    app: &App,
    kind: &'static str,
    to: &str,
    written: impl Future<Output = Result<Option<Letter>>>,
) -> Result<()> {
    let Some(mailer) = &app.mailer else { return Ok(()) };
    let mailbox =
        app.digests.of(uuid::Uuid::nil(), to).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    if app.limiter.check(&format!("{kind}:{mailbox}"), PER_MAILBOX, 1).await.into_result().is_err() {
        return Ok(());
    }
    match written.await? {
        Some(Letter { subject, text }) => mailer.send(to, subject, text).await,
        None => Ok(()),
    }
}

/// What this server is called in letters.
pub(super) fn name(app: &App) -> String {
    app.config.public_url.host_str().unwrap_or_default().to_owned()
}
