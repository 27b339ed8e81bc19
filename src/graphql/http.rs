//! GraphQL over HTTP: one request, one document, one answer, or a stream of answers; and over WebSocket.
//!
//! async-graphql's own extractors know no limit on bodies and take uploads, batches and mutations
//! by GET, so requests are read here. POST with a JSON object asks anything; GET only asks.

mod follow;
mod message;
mod sender;
mod shared;
mod socket;
mod sse;
mod stored;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use async_graphql::{
    Request as Operation, Response as Answer, Value, Variables,
    parser::types::{ExecutableDocument, OperationType},
};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{Method, StatusCode, request::Parts},
    response::Response,
    routing::{any, get},
};
use tower_http::request_id::RequestId;

use self::{
    follow::Places,
    message::{MediaType, Params},
    sender::Sender,
    shared::SharedPanel,
    stored::Stored,
};
use super::{
    Schema,
    charge::Charge,
    context::LINKS_ONLY_SHOW,
    guard::{self, Guarded},
    loader::Loaders,
    report,
};
use crate::{error::Error, limiter::Decision, state::App};

/// What the handler holds.
#[derive(Clone)]
struct Edge {
    app: App,
    schema: Schema,
    stored: Stored,
    places: Places,
}

/// A document that was read and may be run.
struct Asked {
    text: String,
    document: ExecutableDocument,
    variables: Variables,
    operation_name: Option<String>,
    /// Of the operation that was chosen; none when there is no such.
    kind: Option<OperationType>,
    asks_one: bool,
    /// The panel that somebody asks for who has but a link.
    panel: Option<SharedPanel>,
}

/// Why there is nothing to run: it is answered already, or refused.
enum Unasked {
    Answered(Box<Answer>),
    Refused(Refusal),
}

impl<E: Into<Refusal>> From<E> for Unasked {
    fn from(refusal: E) -> Self {
        Self::Refused(refusal.into())
    }
}

/// Why a request never became an operation.
struct Refusal {
    status: StatusCode,
    error: Error,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, error: Error::Invalid { field: None, message: message.into() } }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Error::Forbidden(_) => StatusCode::FORBIDDEN,
            Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Error::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { status, error }
    }
}

/// `/graphql` and `/graphql/ws`
pub fn router(app: App) -> Router {
    let schema = super::schema(app.clone());
    let edge = Edge { stored: Stored::of(&app), places: Places::default(), app, schema };
    Router::new().route("/graphql", any(handle)).route("/graphql/ws", get(socket::connect)).with_state(edge)
}

async fn handle(State(edge): State<Edge>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if sse::is_asked_for(&parts.headers) {
        return sse::answer(edge, parts, body).await;
    }
    let media = MediaType::accepted(&parts.headers);
    let mut decision = None;
    let answered = async { edge.respond(&parts, body, media.is_some(), &mut decision).await };
    let answered = match tokio::time::timeout(edge.app.config.limits.query_timeout, answered).await {
        Ok(answered) => answered,
        Err(_) => Err(Error::Timeout.into()),
    };
    let media = media.unwrap_or(MediaType::Json);
    write(&parts, media, answered, decision)
}

/// An answer, or why there is none.
fn write(parts: &Parts, media: MediaType, answered: Result<Answer, Refusal>, decision: Option<Decision>) -> Response {
    let (status, mut answer) = match answered {
        Ok(answer) => (media.status_of(&answer), answer),
        Err(refusal) => (refusal.status, Answer::from_errors(vec![super::error::of_request(&refusal.error)])),
    };
    if let Some(id) = parts.extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok()) {
        answer.extensions.insert("requestId".into(), Value::from(id));
    }
    message::write(status, media, answer, decision)
}

impl Edge {
    /// The whole way of a request, in order: who sends it, how often, what it says, whether it may.
    async fn respond(
        &self,
        parts: &Parts,
        body: Body,
        acceptable: bool,
        decision: &mut Option<Decision>,
    ) -> Result<Answer, Refusal> {
        if !acceptable {
            let text = "Answers are application/graphql-response+json, application/json or text/event-stream; Accept \
                        allows none of them.";
            return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, text));
        }
        let (sender, params) = self.admit(parts, body, decision).await?;
        let may_change = || {
            if parts.method == Method::GET {
                return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "GET cannot change anything. Use POST."));
            }
            Ok(sender.may_change(&self.app, &parts.headers)?)
        };
        let asked = match self.read(&sender, params, may_change).await {
            Ok(asked) => asked,
            Err(Unasked::Answered(answer)) => return Ok(*answer),
            Err(Unasked::Refused(refusal)) => return Err(refusal),
        };
        if let Some(answer) = self.kept(&asked).await {
            return Ok(answer);
        }
        // What a panel costs is the link's to pay; what is asked beside them must not use that up.
        let payer = if asked.panel.is_some() { sender.payer() } else { sender.own_payer() };
        let (asker, charge) = (sender.asker(), Charge::to(payer));
        let loaders = Loaders::of_request(self.app.clone(), asker, asked.asks_one, None);
        let operation = asked
            .to_operation()
            .data(asker)
            .data(sender.client)
            .data(loaders)
            .data(charge.clone())
            .data(self.schema.clone());
        let answer = self.schema.execute(operation).await;
        match charge.refusal() {
            Some((of_points, refusal)) => {
                *decision = Some(of_points);
                Err(refusal.into())
            }
            None => {
                self.keep(&asked, &answer).await;
                Ok(answer)
            }
        }
    }

    /// Who sends a request, unless they send too many, and what it says.
    async fn admit(
        &self,
        parts: &Parts,
        body: Body,
        decision: &mut Option<Decision>,
    ) -> Result<(Sender, Params), Refusal> {
        let sender = Sender::of(&self.app, parts).await?;
        (*decision.insert(sender.take_permit(&self.app).await)).into_result()?;
        let params = match parts.method {
            Method::GET => Params::from_query(parts.uri.query().unwrap_or_default())?,
            Method::POST => Params::from_body(&parts.headers, body).await?,
            _ => return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Ask with POST, or with GET.")),
        };
        sender.may_ask(&self.app, parts)?;
        Ok((sender, params))
    }

    /// Reads a document. One that changes something must be let through by `may_change`.
    async fn read(
        &self,
        sender: &Sender,
        params: Params,
        may_change: impl FnOnce() -> Result<(), Refusal>,
    ) -> Result<Asked, Unasked> {
        let panel = match sender.link() {
            Some(link) => self.panel_of(link, &params).await?,
            None => None,
        };
        let found = self.stored.find(params.query, params.persisted).await?;
        let document = guard::parse(&found.text, &params.variables).map_err(|mut failure| {
            report::classify(&mut failure);
            Unasked::Answered(Box::new(Answer::from_errors(vec![failure])))
        })?;
        if !self.app.config.graphql.introspection && guard::introspects(&document) {
            return Err(Error::Forbidden("This server does not tell its schema.").into());
        }
        if sender.link().is_some() && panel.is_none() && !shared::asks_what_is_shared(&document) {
            return Err(LINKS_ONLY_SHOW.into());
        }
        let name = params.operation_name.as_deref();
        let chosen = document.operations.iter().find(|(candidate, _)| match name {
            Some(name) => candidate.is_some_and(|candidate| candidate == name),
            None => true,
        });
        let chosen = chosen.map(|(_, operation)| &operation.node);
        let kind = chosen.map(|operation| operation.ty);
        if let Some(operation) = chosen.filter(|operation| operation.ty == OperationType::Mutation) {
            may_change()?;
            if guard::authentications(&document, operation) > 1 {
                return Err(Error::CostExceeded("Sign in, register or set a password once in a request.".into()).into());
            }
        }
        if !sender.is_stranger() {
            self.stored.keep(&self.schema, &found, &document, &params.variables).await;
        }
        sender.count_use(&self.app);
        let (text, asks_one) = (found.text, chosen.is_some_and(guard::asks_one));
        let Params { variables, operation_name, .. } = params;
        Ok(Asked { text, document, variables, operation_name, kind, asks_one, panel })
    }
}

impl Asked {
    fn to_operation(&self) -> Operation {
        let mut operation = Operation::new(&*self.text).variables(self.variables.clone());
        operation.operation_name.clone_from(&self.operation_name);
        operation.set_parsed_query(self.document.clone());
        operation.data(Guarded)
    }
}

/// Whoever holds the connection.
fn peer(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip())
}
