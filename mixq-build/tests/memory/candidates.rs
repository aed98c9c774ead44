//! The runs of steps that may be stages, which are found many at a time.

use fastrand::Rng;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::Builtin;
use mixq_build::engine::memory::schedule::Schedule;
use proptest::prelude::*;

use crate::{cases, graph, random_graph};

/// Each of them is what it is if it is looked at alone.
fn are_those_found_alone(graph: &Graph) -> usize {
    let schedule = Schedule::new(graph);
    for found in schedule.candidates().iter().chain(schedule.fed()) {
        let alone = schedule.stripes(&[found.stage]).map(|mut alone| alone.remove(0));
        assert_eq!(alone.as_ref(), Some(found), "{:?}", found.stage);
    }
    schedule.candidates().len()
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_candidate_is_what_it_is_alone(seed: u64) {
        are_those_found_alone(&random_graph(&mut Rng::with_seed(seed)));
    }
}

/// Branches, and layers that work in place of others.
#[test]
fn candidates_of_known_networks_are_what_they_are_alone() {
    for name in ["mobilenet_v2", "resnet8", "shufflenet_v2"] {
        let builtin = Builtin { resolution: 64, ..Builtin::published(name).unwrap() };
        assert!(are_those_found_alone(&graph(builtin)) > 50, "{name}");
    }
}
