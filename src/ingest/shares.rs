//! Room that apps share, so that none of them can keep the others out.
//!
//! An app is given more while it holds no more than what is still free: the dynamic threshold of
//! Choudhury and Hahne. One busy app alone holds half of the room, two hold a third each, and
//! whoever holds little always finds some. Nobody has to be told how many apps there are.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::error::Error;

/// The room. Every clone is the same.
#[derive(Debug, Clone)]
pub struct Shares(Arc<Room>);

#[derive(Debug)]
struct Room {
    capacity: usize,
    /// An app may hold so many times what is free.
    factor: usize,
    held: Mutex<Held>,
    /// Told when nobody holds anything any more.
    empty: Notify,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by_app: HashMap<Uuid, usize>,
    closed: bool,
}

/// A part of the room, given back when dropped.
#[derive(Debug)]
pub struct Share {
    room: Arc<Room>,
    app: Uuid,
    amount: usize,
}

impl Shares {
    /// Room for `capacity` of whatever is counted.
    pub fn new(capacity: usize) -> Self {
        Self::generous(capacity, 1)
    }

    /// The same, of which an app may hold `factor` times what is free: one alone `factor` parts of
    /// `factor + 1`.
    pub fn generous(capacity: usize, factor: usize) -> Self {
        Self(Arc::new(Room { capacity, factor, held: Mutex::default(), empty: Notify::new() }))
    }

    /// A share for `app`; none when it holds too much already, when so much is not free, or after
    /// [`Shares::close`]. More than all of the room counts as all of it.
    pub fn take(&self, app: Uuid, amount: usize) -> Option<Share> {
        let mut share = Share { room: self.0.clone(), app, amount: 0 };
        share.grow(amount.min(self.0.capacity)).then_some(share)
    }

    /// How much is held.
    pub fn held(&self) -> usize {
        self.0.lock().total
    }

    /// Forgets who holds what, and begins with this.
    pub fn restore(&self, by_app: HashMap<Uuid, usize>) {
        let mut held = self.0.lock();
        held.total = by_app.values().sum();
        held.by_app = by_app;
    }

    /// Takes back what [`Share::keep`] has left with an app.
    pub fn give_back(&self, app: Uuid, amount: usize) {
        drop(Share { room: self.0.clone(), app, amount });
    }

    /// Whether [`Shares::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.0.lock().closed
    }

    /// Gives nothing to anybody from now on.
    pub fn close(&self) {
        self.0.lock().closed = true;
    }

    /// Waits until everything was given back.
    pub async fn empty(&self) {
        loop {
            let empty = self.0.empty.notified();
            if self.held() == 0 {
                return;
            }
            empty.await;
        }
    }
}

impl Share {
    /// Takes more on the same terms; where it can not, it keeps what it had.
    pub fn grow(&mut self, more: usize) -> bool {
        let mut held = self.room.lock();
        let own = held.by_app.get(&self.app).copied().unwrap_or_default();
        let free = self.room.capacity.saturating_sub(held.total);
        if held.closed || own > free.saturating_mul(self.room.factor) || more > free {
            return false;
        }
        held.total += more;
        held.by_app.insert(self.app, own + more);
        self.amount += more;
        true
    }

    /// Makes it the share of another app, on the same terms; where it can not, it stays what it was.
    pub fn move_to(&mut self, app: Uuid) -> bool {
        let mut held = self.room.lock();
        let own = held.by_app.get(&app).copied().unwrap_or_default();
        let free = self.room.capacity.saturating_sub(held.total);
        if app != self.app && (held.closed || own > free.saturating_mul(self.room.factor)) {
            return false;
        }
        held.release(self.app, self.amount);
        *held.by_app.entry(app).or_default() += self.amount;
        self.app = app;
        true
    }

    /// How much it is.
    pub fn amount(&self) -> usize {
        self.amount
    }

    /// Leaves it with the app until [`Shares::give_back`].
    pub fn keep(mut self) {
        self.amount = 0;
    }
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn release(&mut self, app: Uuid, amount: usize) {
        if let Some(own) = self.by_app.get_mut(&app) {
            *own = own.saturating_sub(amount);
            if *own == 0 {
                self.by_app.remove(&app);
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.room.lock();
        held.total = held.total.saturating_sub(self.amount);
        held.release(self.app, self.amount);
        if held.total == 0 {
            self.room.empty.notify_waiters();
        }
    }
}

/// The refusal where there is no share of a room to be had; counted under the room's name.
pub fn refused_for_want_of_room(room: &'static str, retry_after: Duration, reason: &str) -> Error {
    metrics::counter!("uea_refused_total", "full" => room).increment(1);
    Error::Unavailable { retry_after, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    /// As many shares of ten as an app is given.
    fn all_that(shares: &Shares, app: Uuid) -> Vec<Share> {
        std::iter::from_fn(|| shares.take(app, 10)).collect()
    }

    #[test]
    fn one_takes_half_and_two_a_third_each() {
        let shares = Shares::new(1_200);
        let busy = all_that(&shares, BUSY);
        assert_eq!(busy.len(), 61, "half, and the one that was asked for when half was free");
        let other = all_that(&shares, OTHER);
        assert!((29..=31).contains(&other.len()), "{}", other.len());
        assert!(shares.take(Uuid::from_u128(3), 10).is_some(), "there is always room for somebody new");
        drop((busy, other));
        assert_eq!(shares.held(), 0);
        assert!(shares.0.lock().by_app.is_empty());
    }

    #[test]
    fn what_is_larger_than_the_room_takes_all_of_it_alone() {
        let shares = Shares::new(100);
        let all = shares.take(BUSY, 1_000).expect("it is all free");
        assert_eq!(shares.held(), 100);
        assert!(shares.take(OTHER, 1).is_none());
        drop(all);
        assert!(shares.take(OTHER, 1).is_some());
    }

    #[test]
    fn a_share_moves_to_an_app_that_may_have_more() {
        let shares = Shares::new(1_200);
        let mut share = shares.take(OTHER, 10).expect("it is all free");
        let mut busy = all_that(&shares, BUSY);
        assert!(!share.move_to(BUSY), "the busy app has its part already");
        busy.truncate(10);
        assert!(share.move_to(BUSY));
        assert_eq!(*shares.0.lock().by_app.get(&BUSY).expect("it holds some"), 110);
        assert!(!shares.0.lock().by_app.contains_key(&OTHER));
        drop((busy, share));
        assert_eq!(shares.held(), 0);
        assert!(shares.0.lock().by_app.is_empty());
    }

    #[test]
    fn a_share_grows_while_there_is_room() {
        let shares = Shares::new(100);
        let mut share = shares.take(BUSY, 30).expect("it is all free");
        assert!(share.grow(20) && !share.grow(60) && share.grow(10), "no more than half, and not what is not free");
        assert!(!share.grow(1));
        assert_eq!(shares.held(), 60);
    }
}
