//! Groups of real processes on this machine: what they exchange, and what they say when something fails.
//!
//! The processes are this program again, with the test `worker::process`.

mod exchange;
mod failures;
mod joining;
mod launch;
mod worker;
