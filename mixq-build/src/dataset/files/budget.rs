//! A limit on the memory that threads use together.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A number of bytes from which threads take; one that asks for more than is free waits.
pub struct Budget {
    total: u64,
    free: Mutex<u64>,
    more: Condvar,
}

impl Budget {
    /// A budget of `total` bytes, all free.
    pub fn new(total: u64) -> Budget {
        Budget { total, free: Mutex::new(total), more: Condvar::new() }
    }

    /// Waits until `bytes` are free, or all if it asks for more, and takes them until the result is dropped.
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

/// Bytes taken from a budget; dropping it returns them.
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
