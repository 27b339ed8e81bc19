//! Mail, through the server that the owner names.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};

use crate::{
    config,
    error::{Error, Result},
};

/// How long the other side may take to answer a command.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends mail. Connections are kept for a while and shared by clones.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// Connects at the first letter.
    pub fn new(mail: &config::Mail) -> Result<Self> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(mail.url.expose()).map_err(Error::internal)?;
        let from = mail.from.parse().map_err(|error| Error::internal(format!("MAIL_FROM: {error}")))?;
        Ok(Self { transport: transport.timeout(Some(PATIENCE)).build(), from })
    }

    /// Sends a plain text to one address.
    pub async fn send(&self, to: &str, subject: &str, text: String) -> Result<()> {
        let to = to.parse().map_err(|_| Error::invalid("email", "Mail can not be sent to this address."))?;
        let letter = Message::builder().from(self.from.clone()).to(Mailbox::new(None, to)).subject(subject);
        let letter = letter.header(ContentType::TEXT_PLAIN).body(text).map_err(Error::internal)?;
        // What the other side says may hold the address, and so stays out of the log.
        self.transport.send(letter).await.map(drop).map_err(|refused| {
            let code = refused.status().map_or("no answer".to_owned(), |code| code.to_string());
            Error::unavailable(format!("the mail server did not take a letter: {code}"))
        })
    }
}
