//! Compressed bodies, honest and otherwise.

use std::io::Write;

use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use serde_json::json;

use super::{counts, rows};
use crate::support::{
    app::{Store, TestApp},
    people::Site,
    reply::Reply,
};

const ENCODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

fn compress(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    match encoding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut compressed = Vec::new();
            brotli::CompressorWriter::new(&mut compressed, 4_096, 5, 20).write_all(bytes).unwrap();
            compressed
        }
        "zstd" => zstd::encode_all(bytes, 3).unwrap(),
        other => panic!("{other}"),
    }
}

async fn send(site: &Site, encoding: &str, body: Vec<u8>) -> Reply {
    let request = site.events().header("content-type", "application/json").header("content-encoding", encoding);
    Reply::of(request.body(body)).await
}

both_stores! {
    async fn every_encoding_is_inflated(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let events = serde_json::to_vec(&json!(vec![json!({"event_type": "x"}); 500])).unwrap();
        for encoding in ENCODINGS {
            let body = compress(encoding, &events);
            assert!(body.len() < events.len() / 10);
            assert_eq!(counts(&send(&site, encoding, body).await.ok()), (500, 0, 0), "{encoding}");
        }
        assert_eq!(rows(&app, &site).await.len(), 2_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_compressed_in_pieces_is_read_whole() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let lines = [r#"[{"event_type":"a"},"#, r#"{"event_type":"b"}]"#];
    for encoding in ["gzip", "zstd"] {
        let body = lines.map(|line| compress(encoding, line.as_bytes())).concat();
        assert_eq!(counts(&send(&site, encoding, body).await.ok()), (2, 0, 0), "{encoding}");
    }
    // Also where it is told by the body alone, and where what the head says is not so.
    let event = |name: &str| json!({"event": name, "distinct_id": "ada", "api_key": site.key}).to_string();
    let pieces = [format!("[{},", event("c")), format!("{}]", event("d"))];
    let gzip = pieces.map(|piece| compress("gzip", piece.as_bytes())).concat();
    for (encoding, body) in [("identity", gzip.clone()), ("gzip", gzip), ("gzip", event("e").into_bytes())] {
        let request = app.http.post(format!("{}/e/", app.url)).header("content-encoding", encoding);
        Reply::of(request.body(body)).await.expect(200);
    }
    assert_eq!(rows(&app, &site).await.len(), 4 + 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_and_boundless_bodies_are_refused() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let event = serde_json::to_vec(&json!({"event_type": "x", "metadata": {"a": "0123456789abcdefghij"}})).unwrap();
    let bomb = vec![b' '; 40 << 20];
    // What stands behind the end would be lost without a word.
    for encoding in ENCODINGS {
        let trailing = [compress(encoding, &event), b"{}".to_vec()].concat();
        assert_eq!(send(&site, encoding, trailing).await.refused(400), "BAD_USER_INPUT", "behind {encoding}");
    }
    for encoding in ENCODINGS {
        let whole = compress(encoding, &event);
        for cut in [1, whole.len() / 2, whole.len() - 1] {
            let reply = send(&site, encoding, whole[..cut].to_vec()).await;
            assert_eq!(reply.refused(400), "BAD_USER_INPUT", "{encoding} cut at {cut}");
        }
        assert_eq!(send(&site, encoding, event.clone()).await.refused(400), "BAD_USER_INPUT", "not {encoding}");
        let reply = send(&site, encoding, compress(encoding, &bomb)).await;
        assert_eq!(reply.clone().refused(413), "TOO_LARGE", "{encoding}");
        assert_eq!(reply.at("/error/field"), "body");
        let empty = send(&site, encoding, Vec::new()).await;
        assert_eq!(empty.refused(400), "BAD_USER_INPUT", "an empty {encoding} body");
    }
    assert_eq!(rows(&app, &site).await, []);
    // Just as much as may be is let in.
    let mut exact = event;
    exact.resize(5 << 20, b' ');
    send(&site, "gzip", compress("gzip", &exact)).await.ok();
    exact.push(b' ');
    send(&site, "gzip", compress("gzip", &exact)).await.expect(413);
}
