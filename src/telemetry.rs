//! Logs and metrics.

use std::{io::IsTerminal as _, sync::LazyLock};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, filter::Directive, fmt::MakeWriter};

/// Libraries that print headers or queries, and with them secrets, when asked for more than this.
const NEVER_BELOW: [&str; 7] =
    ["h2=info", "hyper=info", "hyper_util=info", "reqwest=info", "redis=info", "sqlx=warn", "sea_orm=info"];

/// Upper bounds of the buckets of every histogram of seconds.
const GROUP_SIZES: [f64; 7] = [1.0, 10.0, 100.0, 500.0, 1_000.0, 2_500.0, 4_000.0];

const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Starts logging to stderr, from `level` on unless `RUST_LOG` says otherwise. Later calls change
/// nothing.
pub fn log_to_stderr(json: bool, level: &str) {
    log_to(std::io::stderr, std::io::stderr().is_terminal(), json, level);
}

/// The same to any writer, in colours or not.
pub fn log_to<W>(writer: W, ansi: bool, json: bool, level: &str)
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let filter = NEVER_BELOW
        .iter()
        .filter_map(|directive| directive.parse::<Directive>().ok())
        .fold(filter, EnvFilter::add_directive);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let _ = if json {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        builder.with_ansi(ansi).with_target(false).try_init()
    };
}

/// Where the process' metrics are read. The first call begins to collect them; several servers in
/// one process share them, as they share its memory.
pub fn metrics() -> &'static PrometheusHandle {
    static METRICS: LazyLock<PrometheusHandle> = LazyLock::new(|| {
        let builder = PrometheusBuilder::new();
        // Without buckets histograms are summaries, which cannot be added up over instances.
        let builder = builder.set_buckets(&SECONDS).unwrap_or_else(|_| PrometheusBuilder::new());
        let group = Matcher::Full("uea_ingest_group_events".into());
        let builder = builder.set_buckets_for_metric(group, &GROUP_SIZES).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("metrics are collected elsewhere; /metrics stays empty");
        }
        describe();
        handle
    });
    &METRICS
}

fn describe() {
    describe_histogram!("uea_http_request_seconds", Unit::Seconds, "Time to answer, by method, route and status.");
    describe_gauge!("uea_http_requests_in_flight", "Requests being answered.");
    describe_histogram!("uea_db_seconds", Unit::Seconds, "Time statements took in the database, by kind and result.");
    describe_counter!("uea_cache_total", "Questions put to the cache, by result: hit or miss.");
    describe_counter!("uea_ingest_events_total", "Events received, by verdict.");
    describe_histogram!("uea_ingest_commit_seconds", Unit::Seconds, "Time to store and commit a group of events.");
    describe_histogram!("uea_ingest_group_events", "Events stored by one commit.");
    describe_histogram!("uea_scan_seconds", Unit::Seconds, "Time to read the events of a question.");
    describe_counter!("uea_segments_read_total", "Segments that questions read.");
    describe_counter!("uea_tail_rows_read_total", "Rows of no segment that questions read back from the database.");
    describe_counter!("uea_segments_pruned_total", "Segments of the right time that questions could do without.");
    describe_counter!("uea_key_events_total", "Events let in by API keys.");
    describe_gauge!("uea_spool_events", "Events in the spool.");
    describe_gauge!("uea_spool_bytes", Unit::Bytes, "Size of the events in the spool.");
    describe_gauge!("uea_spool_set_aside", "Records of the spool that could not be read and are kept apart.");
    describe_counter!("uea_spooled_total", "Events put into the spool.");
    describe_counter!("uea_spool_drained_total", "Events taken out of the spool, by what became of them.");
    describe_counter!("uea_spool_corrupt_total", "Records and files of the spool that were found damaged.");
    describe_counter!("uea_dead_letters_total", "Spooled events that the database refused.");
    describe_counter!("uea_refused_total", "Requests told to come back, by what was full.");
    describe_gauge!("uea_queue_depth", "Events waiting to be stored.");
}
