//! `event-analytics`

use std::process::ExitCode;

/// Events are read on one thread and stored on another: the system's allocator spends a fifth of
/// the time of a busy server on that, and much of it waiting for its own locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Coercing one level of a nested filter takes some 100 kB in an unoptimised build; the guard lets
/// a dozen levels through, and this leaves room for many more.
const STACK_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build() {
        Ok(runtime) => runtime.block_on(event_analytics::cli::run()),
        Err(error) => {
            eprintln!("The runtime cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
