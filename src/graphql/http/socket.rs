//! GraphQL over WebSocket, by the protocol `graphql-transport-ws`.
//!
//! One task holds a connection: it reads what the client says, and takes an answer from one of the operations
//! only when the one before was sent. So a client that does not read has nothing worked out for it.

use std::{borrow::Cow, pin::Pin, sync::Arc, time::Duration};

use async_graphql::{Response as Answer, ServerError};
use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket},
    },
    http::{
        HeaderValue, StatusCode,
        header::{AUTHORIZATION, COOKIE, HOST, ORIGIN},
        request::Parts,
    },
    response::Response,
};
use futures::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_stream::StreamMap;

use super::{
    Edge, Refusal, Unasked,
    follow::Following,
    message::{MAX_BODY, Params},
    sender::Sender,
};
use crate::{
    auth::cookie,
    error::{Error, Result},
    graphql::error,
};

const PROTOCOL: &str = "graphql-transport-ws";

/// How long a client may take to say who it is.
const INIT: Duration = Duration::from_secs(10);
/// How often the client is asked whether it is still there, and whether it still may.
const BEAT: Duration = Duration::from_secs(10);
/// How long it may say nothing.
const SILENCE: Duration = Duration::from_secs(35);
/// How long it may take to read a message.
const SENDING: Duration = Duration::from_secs(30);
/// Operations of one connection.
const OPERATIONS: usize = 20;
/// Bytes of the name a client gives to an operation.
const ID_BYTES: usize = 128;

/// What clients say.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    ConnectionInit {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    Ping {},
    Pong {},
    Subscribe {
        id: String,
        payload: Params,
    },
    Complete {
        id: String,
    },
}

/// What becomes of an operation.
enum Step {
    Answer(Answer),
    Failure(Error),
    Complete,
}

/// Why a connection ends.
struct End(u16, Cow<'static, str>);

impl End {
    fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self(code, reason.into())
    }

    /// The client is gone, or does not keep to HTTP's successor.
    fn lost() -> Self {
        Self::new(1011, "Connection lost")
    }
}

/// The failure of whoever asks.
impl From<Error> for End {
    fn from(error: Error) -> Self {
        error.log();
        match error {
            Error::Unauthenticated(_) => Self::new(4401, "Unauthorized"),
            Error::Forbidden(reason) => Self::new(4403, reason),
            Error::RateLimited { .. } => Self::new(4429, "Too many requests"),
            Error::Unavailable { .. } => Self::new(1013, "Try again later"),
            _ => Self::new(4500, "Internal server error"),
        }
    }
}

/// `GET /graphql/ws`
pub(super) async fn connect(State(edge): State<Edge>, mut parts: Parts, upgrade: WebSocketUpgrade) -> Response {
    // A page of others may connect, as no browser asks first; but not in the name of who is signed in here.
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(ORIGIN.as_str());
    // Browsers do not say of a WebSocket that it is of the same origin. The name was checked: it is one of ours.
    let is_same =
        origin.and_then(|origin| origin.split_once("://")).is_some_and(|(_, of)| Some(of) == text(HOST.as_str()));
    if !is_same && !cookie::is_trusted_page(&edge.app.config, origin, text("sec-fetch-site")) {
        parts.headers.remove(COOKIE);
    }
    let upgrade = upgrade.max_message_size(2 * MAX_BODY).max_frame_size(2 * MAX_BODY).protocols([PROTOCOL]);
    upgrade.on_upgrade(move |mut socket| async move {
        let stop = edge.app.draining.clone();
        let End(code, reason) = tokio::select! {
            end = serve(edge, parts, &mut socket) => end,
            () = stop.cancelled() => End::new(1001, "Going away"),
        };
        let frame = CloseFrame { code, reason: Utf8Bytes::from(&*reason) };
        let _ = timeout(INIT, socket.send(Message::Close(Some(frame)))).await;
    })
}

async fn serve(edge: Edge, mut parts: Parts, socket: &mut WebSocket) -> End {
    if socket.protocol().is_none() {
        return End::new(4406, "Subprotocol not acceptable");
    }
    let begun = timeout(INIT, begin(&edge, &mut parts, socket)).await;
    let begun = begun.unwrap_or_else(|_| Err(End::new(4408, "Connection initialisation timeout")));
    match begun {
        Ok(()) => {
            let mut connection =
                Connection { edge, parts: Arc::new(parts), running: StreamMap::new(), heard: Instant::now() };
            connection.run(socket).await.err().unwrap_or_else(End::lost)
        }
        Err(end) => end,
    }
}

/// Waits until the client says who it is, and tells it that this will do.
async fn begin(edge: &Edge, parts: &mut Parts, socket: &mut WebSocket) -> Result<(), End> {
    let payload = loop {
        match said(socket.recv().await)? {
            Some(Said::ConnectionInit { payload }) => break payload,
            Some(Said::Ping {}) => send(socket, &json!({ "type": "pong" })).await?,
            Some(Said::Pong {}) | None => {}
            Some(Said::Subscribe { .. } | Said::Complete { .. }) => return Err(End::new(4401, "Unauthorized")),
        }
    };
    let given = |name: &str| payload.as_ref()?.get(name)?.as_str();
    let token = given("token").map(|token| format!("Bearer {token}"));
    if let Some(token) = token.as_deref().or_else(|| given("authorization")).or_else(|| given("Authorization")) {
        let token = HeaderValue::from_str(token).map_err(|_| End::new(4403, "Forbidden"))?;
        parts.headers.insert(AUTHORIZATION, token);
    }
    match Sender::of(&edge.app, parts).await {
        Ok(sender) if !sender.is_stranger() => send(socket, &json!({ "type": "connection_ack" })).await,
        Ok(_) | Err(Error::Unauthenticated(_)) => Err(End::new(4403, "Sign in first")),
        Err(error) => Err(error.into()),
    }
}

/// A connection of somebody known.
struct Connection {
    edge: Edge,
    parts: Arc<Parts>,
    running: StreamMap<String, Pin<Box<dyn Stream<Item = Step> + Send>>>,
    heard: Instant,
}

impl Connection {
    /// Never ends well, as it has no end of its own.
    async fn run(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = socket.recv() => {
                    self.heard = Instant::now();
                    if let Some(said) = said(message)? {
                        self.hear(socket, said).await?;
                    }
                }
                Some((id, step)) = self.running.next(), if !self.running.is_empty() => self.tell(socket, id, step).await?,
                _ = beat.tick() => {
                    if self.heard.elapsed() > SILENCE {
                        return Err(End::lost());
                    }
                    // Operations that run look for themselves.
                    if self.running.is_empty()
                        && let Err(error @ (Error::Unauthenticated(_) | Error::Forbidden(_))) =
                            Sender::of(&self.edge.app, &self.parts).await
                    {
                        return Err(error.into());
                    }
                    hand(socket, Message::Ping(Vec::new().into())).await?;
                }
            }
        }
    }

    async fn hear(&mut self, socket: &mut WebSocket, said: Said) -> Result<(), End> {
        match said {
            Said::ConnectionInit { .. } => Err(End::new(4429, "Too many initialisation requests")),
            Said::Ping {} => send(socket, &json!({ "type": "pong" })).await,
            Said::Pong {} => Ok(()),
            Said::Complete { id } => {
                self.running.remove(&id);
                Ok(())
            }
            Said::Subscribe { id, .. } if id.len() > ID_BYTES => Err(End::new(4400, "An id has at most 128 bytes")),
            Said::Subscribe { id, .. } if self.running.contains_key(&id) => {
                Err(End::new(4409, "Subscriber for this id already exists"))
            }
            Said::Subscribe { id, payload } => match self.begin(payload).await {
                Ok(following) => {
                    let steps = following.answers().map(|answered| answered.map_or_else(Step::Failure, Step::Answer));
                    self.running.insert(id, Box::pin(steps.chain(stream::iter([Step::Complete]))));
                    Ok(())
                }
                Err(Unasked::Answered(answer)) => refuse(socket, &id, &answer.errors).await,
                Err(Unasked::Refused(refusal)) => refuse(socket, &id, &[error::of_request(&refusal.error)]).await,
            },
        }
    }

    async fn begin(&mut self, params: Params) -> Result<Following, Unasked> {
        if self.running.len() >= OPERATIONS {
            return Err(Error::CostExceeded(format!("A connection may hold {OPERATIONS} operations.")).into());
        }
        let app = &self.edge.app;
        let sender = Sender::of(app, &self.parts).await?;
        sender.take_permit(app).await.into_result()?;
        let asked = self.edge.read(&sender, params, || Err(cannot_change())).await?;
        Ok(Following::begin(self.edge.clone(), &sender, self.parts.clone(), asked)?)
    }

    async fn tell(&mut self, socket: &mut WebSocket, id: String, step: Step) -> Result<(), End> {
        match step {
            Step::Answer(answer) => send(socket, &json!({ "type": "next", "id": id, "payload": answer })).await,
            Step::Complete => {
                self.running.remove(&id);
                send(socket, &json!({ "type": "complete", "id": id })).await
            }
            Step::Failure(error @ Error::Unauthenticated(_)) => Err(error.into()),
            Step::Failure(error) => {
                self.running.remove(&id);
                refuse(socket, &id, &[error::of_request(&error)]).await
            }
        }
    }
}

fn cannot_change() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "What changes something is sent by POST.")
}

/// What a message says; nothing for those that keep a connection alive.
fn said(message: Option<Result<Message, axum::Error>>) -> Result<Option<Said>, End> {
    match message {
        Some(Ok(Message::Text(text))) => {
            let invalid = |error: serde_json::Error| {
                let mut reason = format!("Invalid message: {error}");
                // A frame that closes has room for so much.
                reason.truncate(reason.floor_char_boundary(120));
                End::new(4400, reason)
            };
            serde_json::from_str(&text).map(Some).map_err(invalid)
        }
        Some(Ok(Message::Binary(_))) => Err(End::new(4400, "Messages are text")),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::lost()),
    }
}

async fn refuse(socket: &mut WebSocket, id: &str, errors: &[ServerError]) -> Result<(), End> {
    send(socket, &json!({ "type": "error", "id": id, "payload": errors })).await
}

async fn send(socket: &mut WebSocket, message: &impl Serialize) -> Result<(), End> {
    let text = serde_json::to_string(message).map_err(Error::internal)?;
    hand(socket, Message::Text(text.into())).await
}

async fn hand(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match timeout(SENDING, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::lost()),
    }
}
