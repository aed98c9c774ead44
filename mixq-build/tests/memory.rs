//! Allocation and arena: what must hold for all networks and budgets.

#[path = "memory/allocation.rs"]
mod allocation;
#[path = "memory/arena.rs"]
mod arena;
#[path = "memory/candidates.rs"]
mod candidates;
#[path = "memory/rows.rs"]
mod rows;
#[path = "memory/rules.rs"]
mod rules;
#[path = "memory/speed.rs"]
mod speed;

use proptest::prelude::*;

/// A failing case prints its input; nothing is kept beside the tests.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}
