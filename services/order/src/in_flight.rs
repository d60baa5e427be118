//! Which idempotency keys are being worked on in this process.
//!
//! Between processes the database decides: the key is unique there, and an order id made from the
//! key makes two replicas wait for the same lock.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The keys under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight {
    keys: Arc<Mutex<HashSet<String>>>,
}

impl InFlight {
    /// Enters a key; `None` when it is being worked on. It leaves when the guard is dropped, also
    /// when the client hangs up: a repeated request then finds the order, or waits for its lock.
    pub(crate) fn enter(&self, key: &str) -> Option<Guard> {
        let entered = self.lock().insert(key.to_owned());
        entered.then(|| Guard { keys: self.clone(), key: key.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        // A set of strings is whole after every operation, also after a panic elsewhere.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One key under way.
#[derive(Debug)]
pub(crate) struct Guard {
    keys: InFlight,
    key: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.keys.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_entered_once_until_it_leaves() {
        let keys = InFlight::default();
        let first = keys.enter("a").unwrap();
        assert!(keys.enter("a").is_none());
        assert!(keys.enter("b").is_some());
        drop(first);
        assert!(keys.enter("a").is_some());
    }
}
