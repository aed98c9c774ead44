//! How much memory threads may use together.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// So many bytes, for whoever waits for them.
pub struct Budget {
    total: u64,
    free: Mutex<u64>,
    more: Condvar,
}

impl Budget {
    /// None of it is used.
    pub fn new(total: u64) -> Budget {
        Budget { total, free: Mutex::new(total), more: Condvar::new() }
    }

    /// Waits for so many bytes, at most all; whoever gets them gives them back.
    pub fn take(&self, bytes: u64) -> Held<'_> {
        let bytes = bytes.min(self.total);
        let mut free = self.free();
        while *free < bytes {
            free = self.more.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Held { budget: self, bytes }
    }

    fn free(&self) -> MutexGuard<'_, u64> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of a budget, until it is dropped.
pub struct Held<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *self.budget.free() += self.bytes;
        self.budget.more.notify_all();
    }
}
