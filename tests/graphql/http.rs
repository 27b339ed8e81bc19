//! GraphQL as HTTP carries it: methods, media types, bounds, rates.

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    app::{Store, TestApp},
    people::Person,
    reply::Reply,
};

const STANDARD: &str = "application/graphql-response+json";

/// Posts these bytes under this content type.
async fn post(person: &Person, content_type: &str, body: impl Into<reqwest::Body>) -> Reply {
    Reply::of(person.request("POST", "/graphql").header(CONTENT_TYPE, content_type).body(body)).await
}

async fn get(person: &Person, parameters: &[(&str, &str)]) -> Reply {
    Reply::of(person.request("GET", "/graphql").query(parameters)).await
}

#[tokio::test]
async fn bodies_are_json_objects_of_bounded_size() {
    let app = TestApp::start(Store::Sqlite).await;
    let stranger = app.anonymous();
    let long = json!({ "query": "{ __typename }", "variables": { "x": "x".repeat(65 * 1024) } }).to_string();
    for (status, content_type, body) in [
        (400, "application/json", ""),
        (400, "application/json", "{"),
        (400, "application/json", "null"),
        (400, "application/json", r#""{ __typename }""#),
        (400, "application/json", r#"{}"#),
        (400, "application/json", r#"{"query": 1}"#),
        (400, "application/json", r#"{"query": "{ __typename }", "variables": []}"#),
        (400, "application/json", r#"{"query": "{ __typename }"} {}"#),
        (400, "application/json", r#" [{"query": "{ __typename }"}]"#),
        (413, "application/json", &long),
        (415, "application/graphql", "{ __typename }"),
        (415, "text/plain", r#"{"query": "{ __typename }"}"#),
        (415, "application/json; charset=latin1", r#"{"query": "{ __typename }"}"#),
        (415, "multipart/form-data; boundary=x", "--x--"),
    ] {
        let reply = post(&stranger, content_type, body.to_owned()).await.expect(status);
        assert_eq!(reply.error_code(), "BAD_USER_INPUT", "{body:.60}");
        assert!(reply.body.get("data").is_none(), "nothing was run");
    }
    let deep = format!(
        r#"{{"query": "{{ __typename }}", "variables": {{"x": {}1{}}}}}"#,
        "[".repeat(1_000),
        "]".repeat(1_000)
    );
    post(&stranger, "application/json", deep).await.expect(400);
    let reply =
        post(&stranger, "application/json; charset=UTF-8", r#"{"query": "{ __typename }", "variables": null}"#).await;
    assert_eq!(reply.data()["__typename"], "Query");
}

#[tokio::test]
async fn statuses_say_what_the_accepted_media_type_lets_them_say() {
    let app = TestApp::start(Store::Sqlite).await;
    let ask = async |accept: &str, query: &str| {
        let request = app.anonymous().request("POST", "/graphql").header(ACCEPT, accept);
        Reply::of(request.json(&json!({ "query": query }))).await
    };
    let both = format!("application/json;q=0.5, {STANDARD}");
    for (accept, query, status) in [
        (STANDARD, "{ __typename }", 200),
        (STANDARD, "{ nothing }", 400),
        (STANDARD, "{", 400),
        (&both, "{ nothing }", 400),
        ("application/json", "{ nothing }", 200),
        ("*/*", "{", 200),
        ("text/html", "{ __typename }", 406),
        // Run, so not a bad request, although a resolver had to refuse.
        (STANDARD, "{ app(id: \"x\") { id } }", 200),
    ] {
        let reply = ask(accept, query).await.expect(status);
        let standard = accept.contains(STANDARD);
        assert_eq!(reply.header("content-type").starts_with(STANDARD), standard, "{accept}");
        assert!(!reply.at("/extensions/requestId").as_str().unwrap().is_empty());
        assert_eq!(reply.at("/extensions/requestId"), reply.header("x-request-id"));
    }
}

#[tokio::test]
async fn get_asks_and_never_changes() {
    let app = TestApp::start(Store::Sqlite).await;
    let alice = app.user("alice").await;
    let query = "query A($x: Boolean!) { viewer @include(if: $x) { email } } query B { __typename }";
    let reply = get(&alice, &[("query", query), ("operationName", "A"), ("variables", r#"{"x": true}"#)]).await;
    assert_eq!(reply.data()["viewer"]["email"], "alice@example.com");
    let create = r#"mutation { createApp(input: { name: "x" }) { app { id } } }"#;
    let reply = get(&alice, &[("query", create)]).await.expect(405);
    assert_eq!(reply.header("allow"), "GET, POST");
    for parameters in [&[][..], &[("query", "")][..], &[("query", "{ __typename }"), ("variables", "[1]")]] {
        assert_eq!(get(&alice, parameters).await.expect(400).error_code(), "BAD_USER_INPUT");
    }
    let apps = alice.graphql("{ viewer { apps(first: 1) { nodes { id } } } }", json!({})).await.data();
    assert_eq!(apps["viewer"]["apps"]["nodes"], json!([]), "nothing was created");
    Reply::of(alice.request("DELETE", "/graphql")).await.expect(405);
}

#[tokio::test]
async fn a_cookie_changes_things_only_for_our_own_pages() {
    let app = TestApp::start(Store::Sqlite).await;
    let alice = app.user("alice").await;
    let cookie = format!("theme=dark; uea_session={}", alice.token.as_ref().unwrap());
    let send = async |query: &str, headers: &[(&str, &str)]| {
        let mut request = app.anonymous().request("POST", "/graphql").header("cookie", &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::of(request.json(&json!({ "query": query }))).await
    };
    let create = r#"mutation { createApp(input: { name: "x" }) { app { id } } }"#;
    assert_eq!(send("{ viewer { email } }", &[]).await.data()["viewer"]["email"], "alice@example.com");
    for headers in
        [&[][..], &[("origin", "https://evil.example")], &[("sec-fetch-site", "same-site")], &[("origin", "null")]]
    {
        assert_eq!(send(create, headers).await.expect(403).error_code(), "FORBIDDEN");
    }
    send(create, &[("origin", &app.url)]).await.data();
    send(create, &[("sec-fetch-site", "same-origin")]).await.data();
}

#[tokio::test]
async fn a_cookie_asks_by_get_only_for_pages_we_know() {
    let app = TestApp::with(Store::Sqlite, &[("CORS_ALLOWED_ORIGINS", "https://figures.example")]).await;
    let alice = app.user("alice").await;
    let cookie = format!("uea_session={}", alice.token.as_ref().unwrap());
    let ask = async |headers: &[(&str, &str)]| {
        let mut request = app.anonymous().request("GET", "/graphql").query(&[("query", "{ viewer { email } }")]);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::of(request).await
    };
    // As an image, a link or a form of another page would ask.
    for header in [("sec-fetch-site", "cross-site"), ("content-type", "text/plain"), ("accept", "*/*")] {
        assert_eq!(ask(&[("cookie", &cookie), header]).await.expect(403).error_code(), "FORBIDDEN", "{header:?}");
    }
    for header in [
        ("origin", app.url.as_str()),
        ("origin", "https://figures.example"),
        ("sec-fetch-site", "same-origin"),
        ("apollo-require-preflight", "true"),
        ("x-apollo-operation-name", "Viewer"),
        ("content-type", "application/json"),
    ] {
        let data = ask(&[("cookie", &cookie), header]).await.data();
        assert_eq!(data["viewer"]["email"], "alice@example.com", "{header:?}");
    }
    let bearer = format!("Bearer {}", alice.token.as_ref().unwrap());
    ask(&[("authorization", &bearer)]).await.data();
    ask(&[]).await.data();
}

#[tokio::test]
async fn a_bad_token_is_refused_and_a_stale_cookie_is_a_stranger() {
    let app = TestApp::start(Store::Sqlite).await;
    let forger = Person { token: Some("a.b.c".into()), ..app.anonymous() };
    let reply = forger.graphql("{ viewer { id } }", json!({})).await.expect(401);
    assert_eq!((reply.error_code(), reply.header("www-authenticate")), ("UNAUTHENTICATED", "Bearer"));
    let request = app.anonymous().request("POST", "/graphql").header("cookie", "uea_session=a.b.c");
    let reply = Reply::of(request.json(&json!({ "query": "{ viewer { id } }" }))).await;
    assert_eq!(reply.data()["viewer"], Value::Null);
}

both_stores! {
    async fn rates_are_told_and_kept(store: Store) {
        let app = TestApp::with(store, &[("RATE_LIMIT_ANALYTICS_PER_MINUTE", "5")]).await;
        let stranger = app.anonymous();
        for left in (0..5).rev() {
            let reply = stranger.graphql("{ __typename }", json!({})).await.expect(200);
            assert_eq!(reply.header("ratelimit-limit"), "5");
            assert_eq!(reply.header("ratelimit-remaining"), left.to_string());
            assert!(!reply.header("ratelimit-reset").is_empty());
        }
        let reply = stranger.graphql("{ __typename }", json!({})).await.expect(429);
        assert_eq!(reply.error_code(), "RATE_LIMITED");
        let wait: i64 = reply.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait));
        assert_eq!(reply.at("/errors/0/extensions/retryAfter"), wait);
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let app = TestApp::with(Store::Sqlite, &[("QUERY_TIMEOUT_SECONDS", "1")]).await;
    let address = app.url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n"
    );
    stream.write_all(format!("{head}{{").as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let length = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    assert!(answer.contains(r#""code":"TIMEOUT""#), "{answer}");
}
