//! Answers as server-sent events: the "distinct connections" of GraphQL over SSE, a request a stream.

use std::{convert::Infallible, sync::Arc, time::Duration};

use async_graphql::Response as Answer;
use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header::ACCEPT, request::Parts},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{StreamExt, stream};
use tokio::time::timeout;

use super::{Asked, Edge, MediaType, Refusal, Unasked, follow::Following, message::tell, write};
use crate::{
    error::{Error, Result},
    graphql::error,
    limiter::Decision,
};

/// How often something is sent, lest proxies take the stream for dead.
const BEAT: Duration = Duration::from_secs(12);

/// Whether the client wants a stream.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    accepted.map(|range| range.split(';').next().unwrap_or_default().trim()).any(|range| range == "text/event-stream")
}

/// The stream, or why there is none.
pub(super) async fn answer(edge: Edge, parts: Parts, body: Body) -> Response {
    let mut decision = None;
    let begun = timeout(edge.app.config.limits.query_timeout, begin(&edge, &parts, body, &mut decision)).await;
    let following = match begun.unwrap_or_else(|_| Err(Error::Timeout.into())) {
        Ok(following) => following,
        Err(Unasked::Answered(answer)) => return write(&parts, MediaType::Json, Ok(*answer), decision),
        Err(Unasked::Refused(refusal)) => return write(&parts, MediaType::Json, Err(refusal), decision),
    };
    let answers = following.answers().map(|answered| {
        let answer = answered.unwrap_or_else(|error| Answer::from_errors(vec![error::of_request(&error)]));
        let event = Event::default().event("next").json_data(answer);
        Ok::<_, Infallible>(event.unwrap_or_else(|_| Event::default().event("next").data("{}")))
    });
    let complete = stream::iter([Ok(Event::default().event("complete").data(""))]);
    // Without the word that it is complete: clients come back, to another instance.
    let answers = answers.chain(complete).take_until(edge.app.draining.clone().cancelled_owned());
    let mut response = Sse::new(answers).keep_alive(KeepAlive::new().interval(BEAT)).into_response();
    tell(response.headers_mut(), decision);
    response
}

async fn begin(edge: &Edge, parts: &Parts, body: Body, decision: &mut Option<Decision>) -> Result<Following, Unasked> {
    let (sender, params) = edge.admit(parts, body, decision).await?;
    let asked: Asked = edge.read(&sender, params, || Err(cannot_change())).await?;
    Ok(Following::begin(edge.clone(), &sender, Arc::new(parts.clone()), asked)?)
}

fn cannot_change() -> Refusal {
    let text = "What changes something is answered once. Accept application/graphql-response+json.";
    Refusal::new(StatusCode::NOT_ACCEPTABLE, text)
}
