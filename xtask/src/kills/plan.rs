//! When a training is killed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::stage::{STAGES, Stage};

/// How long each stage takes, in a training that nothing happens to.
pub type Lengths = BTreeMap<Stage, Duration>;

/// One kill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kill {
    /// In this stage, if the training is not beyond it.
    pub stage: Stage,
    /// So long after its beginning, or after the start of the program if that is in this stage or beyond.
    pub delay: Duration,
    /// Before that, if it writes a file.
    pub at_write: bool,
}

/// The kills of one training: up to two in each stage, every other one where a file is written.
pub fn of(lengths: &Lengths, random: &mut fastrand::Rng) -> Vec<Kill> {
    let length = |stage| lengths.get(&stage).copied().unwrap_or_default();
    let mut kills = Vec::new();
    for stage in STAGES {
        for number in 0..random.usize(0..=2) {
            // The second time the program has to start first, and to read what the first one left.
            let start = if number > 0 { length(Stage::Reading) } else { Duration::ZERO };
            let at_write = random.bool();
            let share = if at_write { 1.0 } else { random.f64() };
            kills.push(Kill { stage, delay: (start + length(stage)).mul_f64(share), at_write });
        }
    }
    kills
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_spread_over_all_stages() {
        let lengths: Lengths = STAGES.into_iter().zip([1, 2, 3, 4].map(Duration::from_secs)).collect();
        let random = &mut fastrand::Rng::with_seed(1);
        let kills: Vec<Kill> = (0..100).flat_map(|_| of(&lengths, random)).collect();
        for stage in STAGES {
            let of_stage: Vec<&Kill> = kills.iter().filter(|kill| kill.stage == stage).collect();
            assert!((70..130).contains(&of_stage.len()), "{stage:?}: {}", of_stage.len());
            let at_write = of_stage.iter().filter(|kill| kill.at_write).count();
            assert!((20..80).contains(&at_write), "{stage:?}: {at_write}");
            assert!(of_stage.iter().all(|kill| kill.delay <= lengths[&stage] + lengths[&Stage::Reading]));
        }
    }
}
