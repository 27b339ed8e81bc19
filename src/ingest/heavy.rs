//! Work that would keep the threads that serve from serving.

use std::{sync::LazyLock, thread};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::Semaphore,
    task::block_in_place,
};

/// Up to how many bytes work is done where it arrived: it takes less than a millisecond, and handing
/// it over would not make it shorter.
const LIGHT_BYTES: usize = 64 << 10;

/// As many at once as there are processors: more would take more memory and no less time.
static WORKERS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(2, |cores| cores.get())));

/// Does `work` on so many bytes: at once when they are few, else in its turn, while another thread
/// takes over what this one serves.
pub async fn heavy<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    if bytes <= LIGHT_BYTES || Handle::current().runtime_flavor() != RuntimeFlavor::MultiThread {
        return work();
    }
    // Never closed.
    let _turn = WORKERS.acquire().await;
    block_in_place(work)
}
