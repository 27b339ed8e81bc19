//! `event-analytics demo`: an embedded server that has something to show.
//!
//! The sample goes through [`ingest::accept`](crate::ingest::accept()) like every other event, with
//! ids that follow from its seed: a load that was interrupted is simply repeated, and what was
//! stored before counts as duplicates.

mod catalog;
mod load;
mod owner;
mod sample;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::owner::Demo;
use crate::{
    clock::Clock,
    config::Config,
    error::{Error, Result},
    server,
    state::App,
};

/// What `event-analytics demo` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoOptions {
    /// Load the sample, print how to use it, and exit instead of serving.
    #[arg(long)]
    pub load_only: bool,
}

/// Starts the embedded server, loads the sample where it is missing, prints how to use it, keeps a
/// trickle of events coming, and serves until told to stop.
pub async fn run(options: DemoOptions, stop: CancellationToken) -> Result<()> {
    // The demo never touches a real store: only the embedded one.
    let config = Config::from_env_without(&["DATABASE_URL", "REDIS_URL"])?;
    let listener = server::listen(config.listen_addr).map_err(|cause| {
        Error::invalid(
            "LISTEN_ADDR",
            format!(
                "{} cannot be used ({cause}). Choose another, such as LISTEN_ADDR=127.0.0.1:8081.",
                config.listen_addr
            ),
        )
    })?;
    let app = App::start(config, Clock::System).await?;
    let tasks = TaskTracker::new();
    let serving = tasks.spawn(server::serve(app.clone(), listener, stop.clone().cancelled_owned()));
    let told = async {
        let mut demo = Demo::open(&app).await?;
        load::history(&app, &mut demo, &stop).await?;
        if stop.is_cancelled() {
            return Ok(());
        }
        println!("{}", demo.greeting(&app.config));
        if !options.load_only {
            load::trickle(&app, &demo, &stop).await?;
        }
        Ok(())
    }
    .await;
    // From the signal on the writer refuses events; the next start loads what is missing.
    let told = if stop.is_cancelled() { Ok(()) } else { told };
    // Whatever happened above, what was accepted is committed before the process ends.
    stop.cancel();
    let served = serving.await.map_err(Error::internal)?;
    told.and(served)
}
