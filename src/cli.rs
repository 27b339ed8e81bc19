//! The command line.

use std::{process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use sea_orm::{EntityTrait as _, QueryOrder as _};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{password::change, registration},
    clock::Clock,
    columnar::Columnar,
    config::{Config, Registration},
    db::Db,
    demo::{self, DemoOptions},
    entity::app,
    error::{Error, Result},
    graphql, rest, server,
    state::App,
    telemetry,
};

/// How long `health` waits for the server's answer.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(4);

/// A self-hosted event analytics server: GraphQL for questions, REST for events, exact numbers.
///
/// Settings are environment variables; `.env.example` lists them all. None has to be set.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = false)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (this is what happens without a command).
    Serve,
    /// Run an embedded server with a month of sample data, and print how to use it.
    Demo(DemoOptions),
    /// Change the database schema, or show its state.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Print the GraphQL schema.
    Schema,
    /// Print the description of the REST API (OpenAPI 3.1).
    Openapi,
    /// Compare the stored events of every app with the columns that questions are answered from, value
    /// by value, and print where they differ; exits with 1 if they do. Reads everything.
    Verify,
    /// The columns that questions are answered from.
    #[command(subcommand)]
    Segments(Segments),
    /// Sums by hour, from which long ranges are answered.
    #[command(subcommand)]
    Rollups(Rollups),
    /// Print a link by which the holder of an account sets a new password, within an hour and once. For servers
    /// that send no mail: give it to nobody else.
    ResetLink {
        /// The account's e-mail address.
        email: String,
    },
    /// Print a link by which somebody makes an account with this address, within a day and once, however REGISTRATION
    /// is set.
    RegisterLink {
        /// The address of the account.
        email: String,
    },
    /// Ask the server on LISTEN_ADDR whether it is ready; exits with 1 if it is not.
    Health,
}

#[derive(Debug, Subcommand)]
enum Segments {
    /// Make those of every app anew from the stored events, one by one. Servers may run meanwhile.
    Rebuild {
        /// Those of one app only, by the id that `verify` prints.
        #[arg(long)]
        app: Option<uuid::Uuid>,
    },
}

#[derive(Debug, Subcommand)]
enum Rollups {
    /// Drop those of every app and make them anew from the columns. Servers may run meanwhile.
    Rebuild,
    /// Make those that are missing, which a running server does by itself in its own time.
    Complete,
}

#[derive(Debug, Subcommand)]
enum Migrate {
    /// Apply every migration that is missing.
    Up,
    /// Undo migrations, the last one first, with the data in what they had made.
    Down {
        /// How many.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
    },
    /// List the migrations and whether they have been applied.
    Status,
}

/// Does what the arguments say. What goes wrong is told on stderr, and the exit code is 1.
pub async fn run() -> ExitCode {
    let command = Cli::parse().command.unwrap_or(Command::Serve);
    match execute(command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command) -> Result<()> {
    match command {
        Command::Serve => serve().await,
        Command::Demo(options) => {
            // Somebody reads along, to whom every request would be noise.
            telemetry::log_to_stderr(false, "warn");
            demo::run(options, stop_on_signal()).await
        }
        Command::Migrate(step) => migrate(step).await,
        Command::Schema => {
            print!("{}", graphql::sdl());
            Ok(())
        }
        Command::Openapi => {
            println!("{}", rest::openapi::document().to_pretty_json().map_err(Error::internal)?);
            Ok(())
        }
        Command::Verify => verify().await,
        Command::Segments(Segments::Rebuild { app }) => rebuild(app).await,
        Command::Rollups(what) => rollups(what).await,
        Command::ResetLink { email } => reset_link(&email).await,
        Command::RegisterLink { email } => register_link(&email).await,
        Command::Health => health().await,
    }
}

async fn serve() -> Result<()> {
    let config = Config::from_env()?;
    telemetry::log_to_stderr(config.log_json, "info");
    let stop = stop_on_signal();
    let address = config.listen_addr;
    let listener = server::listen(address).map_err(|cause| {
        Error::invalid("LISTEN_ADDR", format!("{address} cannot be used ({cause}); set LISTEN_ADDR to another"))
    })?;
    let app = App::start(config, Clock::System).await?;
    if app.config.is_https() && app.config.registration == Registration::Open {
        tracing::warn!(
            "anybody who reaches this server may make an account; REGISTRATION=invited or mail changes that"
        );
    }
    tracing::info!(%address, url = %app.config.public_url, "listening");
    server::serve(app, listener, stop.cancelled_owned()).await?;
    tracing::info!("stopped; everything accepted is stored");
    Ok(())
}

async fn verify() -> Result<()> {
    let config = Config::from_env()?;
    let db = Db::connect(&config).await?;
    let columnar = Columnar::new(db.clone(), Clock::System, config.column_cache_bytes);
    let mut drifts = 0;
    for app in app::Entity::find().order_by_asc(app::Column::Id).all(&*db).await? {
        let found = match columnar.verify(app.id).await {
            Ok(found) => found,
            // Whatever is wrong with one app, the others are compared.
            Err(error) => {
                println!("{} {}: CANNOT BE COMPARED: {}", app.id, app.name, told(&error));
                drifts += 1;
                continue;
            }
        };
        println!(
            "{} {}: {} events in {} segments, {} bytes, {} rollups, {} rows behind them: {}",
            app.id,
            app.name,
            found.sealed_events,
            found.segments,
            found.bytes,
            found.rollups,
            found.tail_rows,
            if found.drift.is_empty() { "agrees" } else { "DIFFERS" }
        );
        found.drift.iter().for_each(|drift| println!("  {drift}"));
        drifts += found.drift.len();
    }
    db.close().await;
    if drifts == 0 { Ok(()) } else { Err(Error::conflict("segments", format!("{drifts} differences were found"))) }
}

async fn rebuild(only: Option<uuid::Uuid>) -> Result<()> {
    let config = Config::from_env()?;
    let db = Db::connect(&config).await?;
    let columnar = Columnar::new(db.clone(), Clock::System, config.column_cache_bytes);
    let apps = app::Entity::find().order_by_asc(app::Column::Id).all(&*db).await?;
    let apps: Vec<_> = apps.into_iter().filter(|app| only.is_none_or(|only| only == app.id)).collect();
    if apps.is_empty() && only.is_some() {
        return Err(Error::NotFound("app"));
    }
    for app in apps {
        let made = columnar.rebuild_segments(app.id).await?;
        println!("{} {}: {made} segments made", app.id, app.name);
    }
    db.close().await;
    Ok(())
}

async fn rollups(what: Rollups) -> Result<()> {
    let config = Config::from_env()?;
    let db = Db::connect(&config).await?;
    let columnar = Columnar::new(db.clone(), Clock::System, config.column_cache_bytes);
    for app in app::Entity::find().order_by_asc(app::Column::Id).all(&*db).await? {
        let made = match what {
            Rollups::Rebuild => columnar.rebuild_rollups(app.id).await?,
            Rollups::Complete => columnar.make_rollups(app.id).await?,
        };
        println!("{} {}: {made} rollups made", app.id, app.name);
    }
    db.close().await;
    Ok(())
}

async fn reset_link(email: &str) -> Result<()> {
    let config = Config::from_env()?;
    let db = Db::connect(&config).await?;
    let made = change::request(&db, &Clock::System, email, None).await?;
    db.close().await;
    println!("{}", made.ok_or(Error::NotFound("account"))?.link(&config.public_url).expose());
    Ok(())
}

async fn register_link(email: &str) -> Result<()> {
    let config = Config::from_env()?;
    let db = Db::connect(&config).await?;
    let made = registration::request_at_terminal(&db, &Clock::System, email).await?;
    db.close().await;
    let token = made.ok_or(Error::conflict("email", "There is an account with this e-mail address."))?;
    println!("{}", registration::link(&token, &config.public_url).expose());
    Ok(())
}

async fn migrate(step: Migrate) -> Result<()> {
    let db = Db::connect(&Config::from_env()?).await?;
    match step {
        Migrate::Up => db.migrate().await?,
        Migrate::Down { steps } => db.migrate_down(steps).await?,
        Migrate::Status => {}
    }
    for (name, applied) in db.migrations().await? {
        println!("{} {name}", if applied { "applied" } else { "missing" });
    }
    db.close().await;
    Ok(())
}

async fn health() -> Result<()> {
    let url = Config::from_env()?.local_url().join("/ready").map_err(Error::internal)?;
    let client = reqwest::Client::builder().no_proxy().timeout(HEALTH_TIMEOUT).build().map_err(Error::internal)?;
    let response = client.get(url).send().await.map_err(Error::unavailable)?;
    let (status, body) = (response.status(), response.text().await.map_err(Error::unavailable)?);
    println!("{body}");
    if status.is_success() { Ok(()) } else { Err(Error::unavailable(format!("the server answered {status}"))) }
}

/// What an owner at the terminal should read, who, unlike a client, may know the cause.
fn told(error: &Error) -> String {
    match error {
        Error::Internal(cause) => cause.to_string(),
        Error::Unavailable { reason, .. } => reason.clone(),
        _ => error.to_string(),
    }
}

/// Cancelled by the first Ctrl-C or SIGTERM; the second ends the process at once.
fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        next_signal().await;
        tracing::info!("stopping; once more to stop at once");
        stopping.cancel();
        let code = next_signal().await;
        std::process::exit(code);
    });
    stop
}

/// Waits for a signal, and tells the exit code of whoever dies of it.
#[cfg(unix)]
async fn next_signal() -> i32 {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(terminate) => terminate.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => 130,
        _ = terminated => 143,
    }
}

#[cfg(not(unix))]
async fn next_signal() -> i32 {
    let _ = tokio::signal::ctrl_c().await;
    130
}
