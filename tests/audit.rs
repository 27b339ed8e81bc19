//! GraphQL over HTTP, as those who wrote the specification check it.

use std::{path::PathBuf, process::Command};

use crate::support::binary::Binary;

/// Every check of the suite, those included that a server only should meet or may.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_suite_passes_whole() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/audit");
    assert!(folder.join("node_modules").is_dir(), "the suite is not installed: run `make sdks` first");
    let server = Binary::serve(&[]).await;
    let mut node = Command::new("node");
    node.arg("audit.js").current_dir(folder).env("HOST", &server.url);
    let output = tokio::task::spawn_blocking(move || node.output()).await.unwrap().expect("node starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.contains("61 of 61"), "{said}");
}
