//! Those who use the server: strangers, users, and a user with an app and a key.

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::reply::Reply;

pub const PASSWORD: &str = "correct horse battery staple";

/// Someone with or without a token.
#[derive(Debug, Clone)]
pub struct Person {
    pub url: String,
    pub http: Client,
    pub email: String,
    pub token: Option<String>,
}

impl Person {
    /// A request to a path of the server, with the person's token.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request("GET", path)).await
    }

    pub async fn graphql(&self, query: &str, variables: Value) -> Reply {
        let body = json!({ "query": query, "variables": variables });
        Reply::of(self.request("POST", "/graphql").json(&body)).await
    }

    /// The mutation `name` with its one input, of the type that its name says.
    pub async fn mutate(&self, name: &str, input: Value, selection: &str) -> Reply {
        let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query = format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ {selection} }} }}");
        self.graphql(&query, json!({ "input": input })).await
    }

    /// Registers and from now on holds the token.
    pub async fn register(&mut self) {
        let input = json!({ "email": self.email, "password": PASSWORD, "name": self.email });
        let register = "mutation($input: RegisterInput!) { register(input: $input) { token } }";
        let data = self.graphql(register, json!({ "input": input })).await.data();
        self.token = Some(data["register"]["token"].as_str().unwrap().to_owned());
    }

    /// Signs in again, once the token has expired.
    pub async fn sign_in(&mut self) {
        self.token = None;
        let reply = self.mutate("signIn", json!({ "email": self.email, "password": PASSWORD }), "token").await;
        self.token = Some(reply.data()["signIn"]["token"].as_str().unwrap().to_owned());
    }

    /// A new app's id.
    pub async fn create_app(&self, name: &str) -> String {
        let create = "mutation($input: CreateAppInput!) { createApp(input: $input) { app { id } } }";
        let data = self.graphql(create, json!({ "input": { "name": name } })).await.data();
        data["createApp"]["app"]["id"].as_str().unwrap().to_owned()
    }

    /// A new raw key of an app.
    pub async fn create_key(&self, app_id: &str) -> String {
        self.create_key_with(json!({ "appId": app_id, "name": "test" })).await
    }

    /// A new raw key, with the whole input.
    pub async fn create_key_with(&self, input: Value) -> String {
        let create = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key } }";
        let data = self.graphql(create, json!({ "input": input })).await.data();
        data["createApiKey"]["key"].as_str().unwrap().to_owned()
    }
}

/// An app with its owner and a key.
#[derive(Debug, Clone)]
pub struct Site {
    pub owner: Person,
    pub app_id: String,
    pub key: String,
}

impl Site {
    /// Another app of the same owner.
    pub async fn of(owner: Person, name: &str) -> Self {
        let app_id = owner.create_app(name).await;
        let key = owner.create_key(&app_id).await;
        Self { owner, app_id, key }
    }

    /// A request with the key to `/api/v1/events`, without a body yet.
    pub fn events(&self) -> RequestBuilder {
        self.owner.http.post(format!("{}/api/v1/events", self.owner.url)).header("x-api-key", &self.key)
    }

    /// Posts one event or an array of them.
    pub async fn post(&self, events: impl serde::Serialize) -> Reply {
        Reply::of(self.events().json(&events)).await
    }

    /// Asks for `selection` on the app; the answer's `data` is the app itself.
    pub async fn ask(&self, selection: &str) -> Value {
        self.try_ask(selection).await.data()["app"].clone()
    }

    /// Like [`Site::ask`], where errors are expected.
    pub async fn try_ask(&self, selection: &str) -> Reply {
        let query = format!("query($app: ID!) {{ app(id: $app) {{ {selection} }} }}");
        self.owner.graphql(&query, json!({ "app": self.app_id })).await
    }
}
