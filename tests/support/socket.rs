//! A client of `graphql-transport-ws`.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use super::people::Person;

/// How long anything may take to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Connects with these headers, and says nothing yet.
    pub async fn open(url: &str, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let address = url.trim_start_matches("http://");
        let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let stream = TcpStream::connect(address).await.unwrap();
        client_async(request, stream).await.map(|(socket, _)| Self(socket))
    }

    /// Connects as somebody who brings their token.
    pub async fn of(person: &Person) -> Self {
        let mut socket = Self::open(&person.url, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap();
        socket.say(json!({ "type": "connection_init", "payload": { "token": person.token } })).await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        socket
    }

    pub async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Begins an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        self.say(json!({ "id": id, "type": "subscribe", "payload": { "query": query, "variables": variables } })).await;
    }

    /// The next message.
    pub async fn hear(&mut self) -> Value {
        self.hear_within(PATIENCE).await.expect("a message")
    }

    /// The next message, should there be one so soon.
    pub async fn hear_within(&mut self, time: Duration) -> Option<Value> {
        let next = async {
            loop {
                match self.0.next().await.expect("it is open").expect("it holds") {
                    Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                    Message::Close(frame) => panic!("closed: {frame:?}"),
                    _ => {}
                }
            }
        };
        timeout(time, next).await.ok()
    }

    /// The data of the next message, which has to be an answer.
    pub async fn data(&mut self) -> Value {
        let message = self.hear().await;
        assert!(message["type"] == "next" && message["payload"]["errors"].is_null(), "{message}");
        message["payload"]["data"].clone()
    }

    /// The code by which the server ends the connection, whatever it says before.
    pub async fn end(&mut self) -> u16 {
        let end = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                    Some(Ok(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        };
        timeout(PATIENCE, end).await.expect("it ends")
    }
}
