//! Calls that may never return: c10d waits for ever for the answer of a store that gives none.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What a call says, if it does so in this time. Otherwise it goes on in its thread, and what it comes to is
/// dropped there.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (send, receive) = mpsc::channel();
    let thread = thread::Builder::new().name("mixq-c10d".into());
    // The receiver is gone if it took too long.
    thread.spawn(move || send.send(call()).ok()).ok()?;
    receive.recv_timeout(limit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_its_time_and_no_more() {
        assert_eq!(within(Duration::from_secs(10), || 3), Some(3));
        let slow = || thread::sleep(Duration::from_secs(5));
        assert_eq!(within(Duration::from_millis(20), slow), None);
    }
}
