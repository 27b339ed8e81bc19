//! One at a time for each of several, and not too many together.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

/// The turns. Every clone is the same.
#[derive(Debug, Clone)]
pub struct Turns {
    most: usize,
    taken: Arc<Mutex<HashSet<Uuid>>>,
}

/// A turn, given back when dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Turns,
    whose: Uuid,
}

impl Turns {
    /// At most so many together.
    pub fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// The turn of this one; none while it has one already, or too many others have.
    pub fn take(&self, whose: Uuid) -> Option<Turn> {
        let mut taken = self.lock();
        (taken.len() < self.most && taken.insert(whose)).then(|| Turn { turns: self.clone(), whose })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.lock().remove(&self.whose);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_one_and_all_have_so_many() {
        let (turns, [a, b, c]) = (Turns::new(2), [1, 2, 3].map(Uuid::from_u128));
        let first = turns.take(a).expect("nobody has one");
        assert!(turns.take(a).is_none());
        let second = turns.take(b);
        assert!(second.is_some() && turns.take(c).is_none());
        drop(first);
        assert!(turns.take(c).is_some() && turns.take(a).is_some());
    }
}
