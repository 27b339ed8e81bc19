//! The REST API keeps what its OpenAPI document says, whatever is sent: requests made from the document,
//! good and bad, by a tool that knows nothing else of the server.

use std::{path::PathBuf, process::Command};

use crate::support::app::{Store, TestApp};

both_stores! {
    async fn no_request_is_answered_but_as_the_document_says(store: Store) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/api");
        let tool = folder.join("venv/bin/schemathesis");
        assert!(tool.is_file(), "schemathesis is not installed: run `make sdks` first");
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let mut run = Command::new(tool);
        run.arg("run").arg(format!("{}/api/v1/openapi.json", app.url)).arg("--header");
        run.arg(format!("X-API-Key: {}", site.key)).args(["--max-examples", "20", "--no-color"]);
        // The same requests every time: what fails here has to fail again.
        run.args(["--generation-deterministic"]);
        // A schema can not say all that makes an event a good one, such as when it happened; and beside a good
        // key a bad one in another place is not looked at.
        let excluded = "positive_data_acceptance,negative_data_rejection,ignored_auth";
        run.args(["--exclude-checks", excluded, "--warnings", "off"]);
        run.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", &folder).env("PYTHONDONTWRITEBYTECODE", "1");
        let elsewhere = tempfile::tempdir().unwrap();
        run.current_dir(elsewhere.path());
        let output = tokio::task::spawn_blocking(move || run.output()).await.unwrap().expect("schemathesis starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        let document = app.anonymous().get("/api/v1/openapi.json").await.expect(200).body;
        let paths = document["paths"].as_object().unwrap().values();
        let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
        let operations = paths.flat_map(|path| path.as_object().unwrap().keys()).filter(|key| methods.contains(&key.as_str()));
        let operations = operations.count();
        // All but the one that fetches the document.
        assert!(said.contains(&format!("Tested: {}", operations - 1)), "{said}");
    }
}
