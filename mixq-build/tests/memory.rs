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

use fastrand::Rng;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::{Builtin, NetworkSource, read};
use mixq_tests::{graphs, stripes};
use proptest::prelude::*;

/// A failing case prints its input; nothing is kept beside the tests.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A random network: half of them can mostly be executed in stripes.
fn random_graph(rng: &mut Rng) -> Graph {
    if rng.bool() { stripes::random_graph(rng) } else { graphs::random_graph(rng) }
}

/// The graph of a built-in network.
fn graph(builtin: Builtin) -> Graph {
    Graph::resolve(&read(&NetworkSource::Builtin(builtin)).unwrap().spec).unwrap()
}
