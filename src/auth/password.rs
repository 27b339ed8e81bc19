//! Passwords: Argon2id, off the async threads.
