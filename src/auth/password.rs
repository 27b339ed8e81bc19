//! Passwords: what is taken for one, and Argon2id, off the async threads.

pub mod change;

use std::{sync::LazyLock, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::{
    config::Secret,
    error::{Error, Result},
};

/// What OWASP recommends as the least: 19 MiB, two passes, one lane.
const PARAMS: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Hashes computed at a time: each holds 19 MiB and a core.
static SLOTS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, |n| n.get().clamp(1, 8))));

/// How long a sign-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// The hash of a password nobody has, so that an unknown account costs as much time as a known one.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this one").ok());

/// Powers of ten of guesses that a password must withstand: what is guessed sooner stands on lists of common
/// ones, or is made of what does.
const GUESSES_LOG10: f64 = 9.0;

/// Characters that are looked at for that: what begins well is guessed no sooner for what follows, and some long
/// texts would take seconds.
const GUESSED: usize = 32;

/// Checks that a password is as long as ours are.
pub fn check_length(field: &str, password: &Secret) -> Result<()> {
    match password.expose().chars().count() {
        12..=128 => Ok(()),
        _ => Err(Error::invalid(field, "Expected 12 to 128 characters.")),
    }
}

/// Checks that a password is one we take, and gives its PHC form, with a fresh salt. It must not be easily guessed
/// by whoever knows what is `known` of the account.
pub async fn accept(field: &'static str, password: Secret, known: [&str; 2]) -> Result<String> {
    check_length(field, &password)?;
    let known = known.map(str::to_owned);
    in_turn(move || {
        if is_common(password.expose(), &known) {
            return Err(Error::invalid(
                field,
                "This password is easily guessed. Take another, such as four random words.",
            ));
        }
        hash_now(password.expose())
    })
    .await?
}

/// Whether a password stands on a list of common ones, or is made of what does, of repetitions, of rows of keys,
/// of dates, or of what is known of the account.
fn is_common(password: &str, known: &[String; 2]) -> bool {
    let mut known: Vec<&str> = known.iter().flat_map(|text| text.split(['@', '.', ' ', '-', '_'])).collect();
    known.push("event-analytics");
    let beginning: String = password.chars().take(GUESSED).collect();
    zxcvbn::zxcvbn(&beginning, &known).guesses_log10() < GUESSES_LOG10
}

/// Whether a hash was made with less than is demanded now.
pub fn is_outdated(stored: &str) -> bool {
    let (memory, passes, lanes) = PARAMS;
    !stored.contains(&format!("$argon2id$v=19$m={memory},t={passes},p={lanes}$"))
}

/// The PHC form of a password that was taken before, with a fresh salt.
pub async fn hash(password: Secret) -> Result<String> {
    in_turn(move || hash_now(password.expose())).await?
}

/// Whether `password` is the one behind `stored`. Without a stored hash the answer is no, after
/// the same time.
pub async fn verify(password: Secret, stored: Option<String>) -> Result<bool> {
    in_turn(move || {
        let known = stored.is_some();
        let Some(stored) = stored.or_else(|| NOBODY.clone()) else { return Ok(false) };
        let stored = PasswordHash::new(&stored).map_err(Error::internal)?;
        Ok(argon2()?.verify_password(password.expose().as_bytes(), &stored).is_ok() && known)
    })
    .await?
}

fn hash_now(password: &str) -> Result<String> {
    Ok(argon2()?.hash_password(password.as_bytes()).map_err(Error::internal)?.to_string())
}

fn argon2() -> Result<Argon2<'static>> {
    let (memory, passes, lanes) = PARAMS;
    let params = Params::new(memory, passes, lanes, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let turn = tokio::time::timeout(PATIENCE, SLOTS.acquire()).await;
    let turn = turn.map_err(|_| Error::unavailable("too many passwords at a time"))?.map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || {
        // Held by the work itself: a client that leaves does not make room before the core is free.
        let _turn = turn;
        work()
    })
    .await
    .map_err(Error::internal)
}
