//! What may stand in no log and no error: whatever the tests do, everything they make the server write is
//! looked through.

use std::{
    io::{self, Write},
    net::{IpAddr, SocketAddr},
    process,
    sync::Once,
};

use event_analytics::telemetry;

use super::people::PASSWORD;

/// Secrets of the tests that have no form by which to know them.
const TOLD: [&str; 4] = [PASSWORD, "jjjjjjjj", "kkkkkkkk", "the-secret-that-only-the-client-and-the-provider-know"];

/// What error messages give as examples.
const EXAMPLES: [&str; 2] = ["such as ada@example.com.", "such as 203.0.113.7 or 2001:db8::/32."];

/// A key, a token, a cookie, a password, an e-mail address or an address of a client.
pub fn find(text: &str) -> Option<String> {
    let text = EXAMPLES.into_iter().fold(text.to_owned(), |text, example| text.replace(example, "such as …"));
    let told = TOLD.into_iter().find(|secret| text.contains(secret)).map(str::to_owned);
    let is_part = |c: char| c.is_alphanumeric() || "._-+@=%:".contains(c);
    told.or_else(|| text.split(|c| !is_part(c)).find(|word| is_secret(word)).map(str::to_owned))
}

fn is_secret(word: &str) -> bool {
    let is_long = |part: &str, least: usize| part.len() >= least && part.chars().all(|c| c.is_ascii_alphanumeric());
    let key = word.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|part| {
        // The first twelve characters of a key may be shown.
        part.strip_prefix("uea_").is_some_and(|rest| is_long(rest, 16))
    });
    let token = word.find("eyJ").is_some_and(|at| word[at..].split('.').filter(|part| part.len() > 10).count() > 1);
    let word = word.trim_matches(['.', '=', '%', '+', '-', '_']);
    let address = word.parse::<IpAddr>().or_else(|_| word.parse::<SocketAddr>().map(|address| address.ip()));
    let mail = word
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.split('.').filter(|label| !label.is_empty()).count() > 1);
    key || token || mail || word.contains("uea_session=") || address.is_ok_and(|ip| !is_here(ip))
}

fn is_here(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}

/// Looks through all that servers in this process log from now on. A leak ends the run: it may come from
/// a task that no test waits for.
pub fn watch_logs() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| telemetry::log_to(|| Watched, false, true, "info,event_analytics=trace"));
}

struct Watched;

impl Write for Watched {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        if let Some(leak) = find(&String::from_utf8_lossy(record)) {
            let _ = writeln!(io::stderr(), "\nThis must not be logged: {leak}\n{}", String::from_utf8_lossy(record));
            process::exit(1);
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn secrets_are_known_when_they_are_met() {
    let key = format!("uea_{}", "a1B2".repeat(12));
    for secret in [
        PASSWORD,
        &key,
        &format!("key={key}&x"),
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTk5IiwiZXhwIjoxfQ.c2lnbmF0dXJlLW9mLWl0",
        "uea_session=abc",
        "for \"ada@example.com\"",
        "postgres://uea:word@db.example/uea",
        "from 203.0.113.7",
        "from 2001:db8::1,",
        "{\"peer\":\"198.51.100.4\"}",
        "from 198.51.100.4:2048",
    ] {
        assert!(find(&format!("what was told: {secret}.")).is_some(), "{secret}");
    }
    for harmless in [
        "uea_abcdefgh",
        "listening on 127.0.0.1:8080 and [::1]:8080",
        "at 2026-11-22T11:58:00.123Z took 12.5.1 ms",
        "event_analytics::ingest::writer",
        "@segment/analytics-node",
        "Expected an e-mail address, such as ada@example.com.",
        "0199f0d2-1111-7000-8000-000000000000",
    ] {
        assert_eq!(find(harmless), None, "{harmless}");
    }
}
