//! Signs of life: each process counts up a number in the store. So the others can tell one that has ended
//! from one that is busy.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::raw::Store;

/// Between two signs.
const PERIOD: Duration = Duration::from_millis(500);

/// After this time without a sign a process has ended, or its machine cannot be reached: some signs may be
/// late.
pub(crate) const SILENCE: Duration = Duration::from_millis(2500);

/// Counts until it is dropped.
pub(crate) struct Beat {
    stop: Option<Sender<()>>,
    stopped: Receiver<()>,
}

/// The key whose number goes up while a process lives.
pub(crate) fn life(rank: usize) -> String {
    format!("life/{rank}")
}

/// The key that a process sets when it leaves its group.
pub(crate) fn left(rank: usize) -> String {
    format!("left/{rank}")
}

impl Beat {
    pub(crate) fn start(store: Arc<Store>, rank: usize) -> Beat {
        let (stop, stopping) = mpsc::channel();
        let (done, stopped) = mpsc::channel();
        let beat = move || {
            while stopping.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                // Without a store no process can read signs. The next call of the group finds out, too.
                if store.add(&life(rank), 1).is_err() {
                    break;
                }
            }
            let _ = store.set(&left(rank), b"");
            drop(store);
            drop(done);
        };
        // Without this thread others may take this process for one that has ended, if something else fails.
        let _ = thread::Builder::new().name("mixq-c10d".into()).spawn(beat);
        Beat { stop: Some(stop), stopped }
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.stop = None;
        // A store that hangs does not keep this process.
        let _ = self.stopped.recv_timeout(PERIOD);
    }
}
