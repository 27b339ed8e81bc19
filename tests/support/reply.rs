//! What came back, with the questions tests ask of it.

use reqwest::{StatusCode, header::HeaderMap};
use serde_json::Value;

use super::leaks;

/// A whole response.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// The body, or null where it is not JSON.
    pub body: Value,
}

impl Reply {
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("the whole answer arrives");
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_client_error() || status.is_server_error() || body.get("errors").is_some() {
            assert_eq!(leaks::find(&text), None, "no error tells secrets: {text}");
        }
        Self { status, headers, text, body }
    }

    /// A header as text; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails unless the status is this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The value at a JSON pointer such as `/data/accepted`.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> &Value {
        self.body.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer} of {}", self.text))
    }
}

/// A response in the REST envelope.
impl Reply {
    /// `data` of a success (200).
    #[track_caller]
    pub fn ok(self) -> Value {
        let reply = self.expect(200);
        assert_eq!(reply.body["success"], true, "{}", reply.text);
        reply.body["data"].clone()
    }

    /// `error.code` of a failure with this status.
    #[track_caller]
    pub fn refused(self, status: u16) -> String {
        let reply = self.expect(status);
        assert_eq!(reply.body["success"], false, "{}", reply.text);
        reply.at("/error/code").as_str().unwrap().to_owned()
    }
}

/// A response of the GraphQL endpoint.
impl Reply {
    /// `data` of an answer without errors.
    #[track_caller]
    pub fn data(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        assert!(self.body.get("errors").is_none(), "{:#}", self.body);
        self.body["data"].clone()
    }

    /// `extensions.code` of the first error.
    #[track_caller]
    pub fn error_code(&self) -> &str {
        self.at("/errors/0/extensions/code").as_str().unwrap()
    }

    /// The first error's message.
    #[track_caller]
    pub fn error_message(&self) -> &str {
        self.at("/errors/0/message").as_str().unwrap()
    }
}
