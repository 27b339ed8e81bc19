//! The pages in a real browser: no error, no breach of the policy, no request to another host.

use std::{path::Path, process::Command};

use crate::support::binary::Binary;

#[tokio::test(flavor = "multi_thread")]
async fn the_playground_and_the_documentation_work_in_a_browser() {
    let playground = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground");
    assert!(playground.join("dist/index.html").is_file(), "the playground was not built: run `make web` first");
    let server = Binary::serve(&[]).await;
    let check = Command::new("node").args(["check.js", &server.url]).current_dir(playground).output();
    let check = check.expect("node starts");
    assert!(
        check.status.success(),
        "{}{}",
        String::from_utf8_lossy(&check.stdout),
        String::from_utf8_lossy(&check.stderr)
    );
}
