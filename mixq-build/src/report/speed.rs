//! How fast a network is, in the figures of all reports.

use serde::Serialize;

use crate::target::Speed;

/// What an inference costs, by the cost model. Each figure is `None` where it is not known what executes the
/// network, or the model does not have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SpeedReport {
    /// Bytes of RAM that the network does not need, but is faster with.
    pub speed_bytes: u64,
    /// The Rust target of the figures.
    pub rust_target: Option<String>,
    /// Instructions.
    pub instructions: Option<u64>,
    /// Instructions without the bytes for speed.
    pub least_arena_instructions: Option<u64>,
    /// Cycles on a Cortex-M4 without wait states, estimated.
    pub cycles_estimate: Option<u64>,
    /// The processor's clock in Hz.
    pub clock_hz: Option<u64>,
    /// Milliseconds, from the cycles and the clock.
    pub milliseconds_estimate: Option<f64>,
}

impl SpeedReport {
    /// The figures of a network with this number of bytes for speed.
    pub fn new(speed_bytes: u64, speed: Option<&Speed>) -> SpeedReport {
        let Some(speed) = speed else { return SpeedReport { speed_bytes, ..SpeedReport::default() } };
        SpeedReport {
            speed_bytes,
            rust_target: Some(speed.rust_target.clone()),
            instructions: Some(speed.all.instructions),
            least_arena_instructions: Some(speed.in_least_arena.instructions),
            cycles_estimate: speed.all.cycles,
            clock_hz: speed.clock,
            milliseconds_estimate: speed.milliseconds(),
        }
    }
}
