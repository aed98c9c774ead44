//! Stages that leave kernels the RAM in which they are fast.

use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::Builtin;
use mixq_build::engine::memory::allocate;
use mixq_build::engine::settings::Scheme;
use mixq_build::engine::target::Platform;

use crate::graph;

/// Instructions on a Cortex-M4 in at most `ram` bytes, and whether the network is executed in stages.
fn instructions(graph: &Graph, ram: u64) -> (u64, bool) {
    let scheme = Scheme::PerChannel;
    let allocation = allocate(graph, u64::MAX, ram, scheme).unwrap();
    assert!(allocation.cuts.is_empty() && allocation.ram <= ram);
    let platform = Platform::of("thumbv7em-none-eabihf", None, None).unwrap();
    let (speed, arena) = platform.outlined(graph, &allocation, scheme, ram).unwrap();
    assert!(u64::from(arena) <= ram);
    (speed.all.instructions, !allocation.stages.is_empty())
}

/// The budgets are those of whole tensors, and goals for stripes.
#[test]
fn stripes_cost_a_few_percent_more_instructions() {
    for (name, width, resolution, [whole, stripes], most) in [
        ("mobilenet_v1", 1.0, 224, [1_210_000, 402_000], 1.03),
        ("mobilenet_v1", 0.75, 224, [910_000, 334_000], 1.03),
        ("mobilenet_v1", 0.25, 128, [100_000, 68_000], 1.03),
        ("mobilenet_v2", 1.0, 224, [1_510_000, 380_000], 1.03),
        ("mobilenet_v2", 0.35, 128, [250_000, 70_000], 1.03),
        ("mobilenet_v1", 0.25, 96, [56_000, 29_000], 1.05),
        ("resnet8", 1.0, 32, [52_000, 21_000], 1.05),
    ] {
        let graph = graph(Builtin { width, resolution, ..Builtin::published(name).unwrap() });
        let [whole, stripes] = [whole, stripes].map(|ram| instructions(&graph, ram));
        assert!(!whole.1 && stripes.1, "{name} {width}");
        let more = stripes.0 as f64 / whole.0 as f64;
        assert!(more <= most, "{name} {width} takes {more} times as many instructions in stripes");
    }
}
