//! `event-analytics`

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    event_analytics::cli::run().await
}
