//! GraphQL over HTTP: one request, one document, one answer.
//!
//! async-graphql's own extractor knows no limit on bodies and takes uploads, batches and mutations
//! by GET, so requests are read here. POST with a JSON object asks anything; GET only asks.

mod message;
mod sender;
mod stored;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use async_graphql::{Request as Operation, Response as Answer, Value, parser::types::OperationType};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{Method, StatusCode, request::Parts},
    response::Response,
    routing::any,
};
use tower_http::request_id::RequestId;

use self::{
    message::{MediaType, Params},
    sender::Sender,
    stored::Stored,
};
use super::{
    Schema,
    charge::Charge,
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

/// `/graphql`
pub fn router(app: App) -> Router {
    let schema = super::schema(app.clone());
    Router::new().route("/graphql", any(handle)).with_state(Edge { stored: Stored::of(&app), app, schema })
}

async fn handle(State(edge): State<Edge>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let media = MediaType::accepted(&parts.headers);
    let mut decision = None;
    let answered = async { edge.respond(&parts, body, media.is_some(), &mut decision).await };
    let answered = match tokio::time::timeout(edge.app.config.limits.query_timeout, answered).await {
        Ok(answered) => answered,
        Err(_) => Err(Error::Timeout.into()),
    };
    let media = media.unwrap_or(MediaType::Json);
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
            let text = "Answers are application/graphql-response+json or application/json; Accept allows neither.";
            return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, text));
        }
        let sender = Sender::of(&self.app, parts).await?;
        (*decision.insert(sender.take_permit(&self.app).await)).into_result()?;
        let params = match parts.method {
            Method::GET => Params::from_query(parts.uri.query().unwrap_or_default())?,
            Method::POST => Params::from_body(&parts.headers, body).await?,
            _ => return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Ask with POST, or with GET.")),
        };
        sender.may_ask(&self.app, parts)?;
        let found = match self.stored.find(params.query, params.persisted).await {
            Ok(found) => found,
            Err(missing) => return missing.answer(),
        };
        let document = match guard::parse(&found.text, &params.variables) {
            Ok(document) => document,
            Err(mut failure) => {
                report::classify(&mut failure);
                return Ok(Answer::from_errors(vec![failure]));
            }
        };
        if !self.app.config.graphql.introspection && guard::introspects(&document) {
            return Err(Error::Forbidden("This server does not tell its schema.").into());
        }
        let name = params.operation_name.as_deref();
        let chosen = document.operations.iter().find(|(candidate, _)| match name {
            Some(name) => candidate.is_some_and(|candidate| candidate == name),
            None => true,
        });
        let chosen = chosen.map(|(_, operation)| &operation.node);
        if let Some(operation) = chosen.filter(|operation| operation.ty == OperationType::Mutation) {
            if parts.method == Method::GET {
                return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "GET cannot change anything. Use POST."));
            }
            sender.may_change(&self.app, &parts.headers)?;
            if guard::authentications(&document, operation) > 1 {
                return Err(Error::CostExceeded("Sign in or register once in a request.".into()).into());
            }
        }
        if !sender.is_stranger() {
            self.stored.keep(&found, &document).await;
        }
        sender.count_use(&self.app);
        let (asker, charge) = (sender.asker(), Charge::to(sender.payer()));
        let asks_one = chosen.is_some_and(guard::asks_one);
        let mut operation = Operation::new(found.text).variables(params.variables);
        operation.operation_name = params.operation_name;
        operation.set_parsed_query(document);
        let loaders = Loaders::of_request(self.app.clone(), asker, asks_one);
        let operation = operation.data(Guarded).data(asker).data(sender.client).data(loaders).data(charge.clone());
        let answer = self.schema.execute(operation).await;
        match charge.refusal() {
            Some((of_points, refusal)) => {
                *decision = Some(of_points);
                Err(refusal.into())
            }
            None => Ok(answer),
        }
    }
}

/// Whoever holds the connection.
fn peer(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip())
}
