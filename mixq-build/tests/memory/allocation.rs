//! Whole allocations: what must hold for all networks and budgets.

use std::path::Path;

use fastrand::Rng;
use mixq_build::engine::config::Scheme;
use mixq_build::engine::graph::op::Output;
use mixq_build::engine::graph::{Graph, Op};
use mixq_build::engine::import::{builtin, layers};
use mixq_build::engine::memory::arena::Lifetime;
use mixq_build::engine::memory::{Allocation, Infeasible, allocate};
use mixq_build::engine::settings::{DELTA, Execution, Ram};
use mixq_build::engine::shortage::MemoryModel;
use mixq_format::Bits;
use mixq_tests::graphs::random_graph;
use proptest::prelude::*;

use crate::cases;

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn an_allocation_meets_its_budgets_or_names_the_least(seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let graph = random_graph(&mut rng);
        let scheme = Scheme::CHOICES[rng.usize(0..4)].1;
        let widest = allocate(&graph, u64::MAX, u64::MAX, scheme).unwrap();
        check(&graph, &widest);
        prop_assert!(widest.cuts.is_empty());
        let execution = [Execution::Stripes, Execution::Whole][rng.usize(0..2)];
        let within = |bytes: u64| Ram { bytes, execution };
        let least_ram = match allocate(&graph, u64::MAX, within(0), scheme) {
            Err(Infeasible::Ram { least, needed, .. }) => {
                prop_assert!(needed > 0 && needed <= least);
                least
            }
            other => panic!("no RAM gives {other:?}"),
        };
        let least_flash = match allocate(&graph, 0, u64::MAX, scheme) {
            Err(Infeasible::Flash { least }) => least,
            other => panic!("no flash gives {other:?}"),
        };
        // Tables of stages take flash.
        let loose = execution == Execution::Stripes;
        // Both least budgets can be met, with everything at 2 bits if need be; one byte less cannot.
        let tables = graph.nodes.iter().any(|node| matches!(node.op, Op::Elementwise(_)));
        let thresholds = scheme == Scheme::PerChannelThresholds || tables;
        if !thresholds && !loose {
            check_within(&graph, least_flash, within(least_ram), scheme);
        }
        let enough = MemoryModel::Runtime { delta: DELTA, execution }.least(&graph, scheme).unwrap();
        prop_assert_eq!(enough.ram, least_ram);
        prop_assert!(enough.flash >= least_flash && (thresholds || loose || enough.flash == least_flash));
        for ram in [least_ram, least_ram + rng.u64(..=widest.ram), u64::MAX] {
            check_within(&graph, enough.flash, within(ram), scheme);
        }
        prop_assert!(allocate(&graph, least_flash - 1, u64::MAX, scheme).is_err());
        prop_assert!(loose || allocate(&graph, u64::MAX, within(least_ram - 1), scheme).is_err());
        for _ in 0..4 {
            let (flash, ram) = (rng.u64(..=widest.flash), rng.u64(..=widest.ram));
            match allocate(&graph, flash, within(ram), scheme) {
                Ok(_) => check_within(&graph, flash, within(ram), scheme),
                Err(Infeasible::Ram { node, needed, least }) => {
                    prop_assert!(needed > ram && least > ram, "{} {} {}", needed, least, ram);
                    prop_assert!(node < graph.nodes.len());
                    prop_assert_eq!(least, least_ram);
                }
                Err(Infeasible::Flash { least }) => {
                    prop_assert!(least > flash);
                    prop_assert!(thresholds || loose || least == least_flash);
                    check_within(&graph, least, within(ram), scheme);
                    prop_assert!(allocate(&graph, least - 1, within(ram), scheme).is_err());
                }
            }
        }
    }
}

fn check_within(graph: &Graph, flash: u64, ram: Ram, scheme: Scheme) {
    let allocation = allocate(graph, flash, ram, scheme).unwrap_or_else(|e| panic!("{flash} {ram:?}: {e:?}"));
    assert!(
        allocation.flash <= flash && allocation.ram <= ram.bytes,
        "{} {}",
        allocation.flash,
        allocation.ram
    );
    check(graph, &allocation);
}

/// What an allocation says of itself is consistent.
fn check(graph: &Graph, allocation: &Allocation) {
    let count = graph.nodes.len();
    let mut weights: Vec<Option<Bits>> =
        graph.nodes.iter().map(|node| node.op.weighted().then_some(Bits::B8)).collect();
    let mut outputs = vec![Bits::B8; allocation.schedule.tensors.len()];
    let last = if graph.is_logits(graph.output_node()) { Bits::B32 } else { Bits::B8 };
    outputs[allocation.schedule.tensor_of_node[graph.output_node()]] = last;
    for cut in &allocation.cuts {
        if cut.weights {
            assert_eq!(weights[cut.node].unwrap().narrower(), Some(cut.to));
            weights[cut.node] = Some(cut.to);
        } else {
            // A cut holds for all tensors of the same width.
            let tensors = &allocation.schedule.tensors;
            let width = tensors[allocation.schedule.tensor_of_node[cut.node]].width;
            for tensor in (0..tensors.len()).filter(|&tensor| tensors[tensor].width == width) {
                assert_eq!(outputs[tensor].narrower(), Some(cut.to));
                outputs[tensor] = cut.to;
            }
        }
    }
    let activations: Vec<Bits> =
        allocation.schedule.tensor_of_node.iter().map(|&tensor| outputs[tensor]).collect();
    assert_eq!((&allocation.weights, &allocation.activations), (&weights, &activations));
    assert_eq!(allocation.activations[count - 1], last);
    // Firmware reads whole bytes, and reads them at the end.
    for output in &graph.outputs {
        let tensor = allocation.schedule.tensor_of_node[output.node];
        assert_eq!(allocation.schedule.tensors[tensor].life.1, allocation.schedule.steps.len() - 1);
        assert!(matches!(allocation.activations[output.node], Bits::B8 | Bits::B32));
    }
    // Of a tensor in a stage, the rows that the arena holds.
    let bytes: Vec<Lifetime> = (allocation.schedule.tensors.iter().zip(&outputs).zip(&allocation.tensors))
        .map(|((tensor, bits), placed)| Lifetime {
            bytes: placed.rows * tensor.shape.width * bits.row_bytes(tensor.shape.channels),
            first: tensor.life.0,
            last: tensor.life.1,
        })
        .collect();
    assert_eq!(allocation.ram, allocation.plan.bytes as u64);
    let offsets = &allocation.plan.offsets;
    for (tensor, offset) in bytes.iter().zip(offsets) {
        assert!(offset + tensor.bytes <= allocation.plan.bytes);
    }
    // The output of a stage may lie over what the stage reads last. (That no row is lost, the stages are
    // tested for that are executed: `-p mixq-tests --test stripes`.)
    let is_over = |a: usize, b: usize, step: usize| {
        let stages = allocation.stages.iter().map(|stripes| stripes.stage.range());
        stages.filter(|stage| stage.contains(&step)).any(|stage| {
            let steps = &allocation.schedule.steps[stage.clone()];
            let reads =
                steps.iter().any(|step| step.inputs.iter().any(|input| offsets[*input] == offsets[a]));
            let output = steps.last().map(|step| offsets[step.output]);
            reads && stage.contains(&bytes[a].last) && output == Some(offsets[b])
        })
    };
    // Where two tensors overlap at a step, one is made in the place of an input, which is not read later.
    for (step, executed) in allocation.schedule.steps.iter().enumerate() {
        let alive = |t: &usize| bytes[*t].first <= step && step <= bytes[*t].last;
        let living: Vec<usize> = (0..bytes.len()).filter(alive).collect();
        for (&a, &b) in living.iter().flat_map(|a| living.iter().map(move |b| (a, b))).filter(|(a, b)| a < b)
        {
            let beside =
                offsets[a] + bytes[a].bytes <= offsets[b] || offsets[b] + bytes[b].bytes <= offsets[a];
            let summed =
                matches!(graph.nodes[executed.node].op.output(), Output::InPlace | Output::SecondInput)
                    && b == executed.output
                    && executed.inputs.contains(&a)
                    && (offsets[a], bytes[a].bytes, outputs[a]) == (offsets[b], bytes[b].bytes, outputs[b])
                    && bytes[a].last == step;
            assert!(beside || summed || is_over(a, b, step), "{a} and {b} at step {step}");
        }
    }
}

/// Branches that cross: at some widths no plan of the arena reaches the sum of what lives.
#[test]
fn every_budget_from_the_least_on_is_met() {
    let text = r#"
        input = [1, 6, 4]
        layer = [
            { op = "conv", name = "a", filters = 8, kernel = [1, 3], stride = 2 },
            { op = "conv", name = "b", filters = 8, kernel = 3 },
            { op = "conv", name = "c", filters = 8, kernel = 3 },
            { op = "add", name = "ca", inputs = ["c", "a"] },
            { op = "add", name = "cca", inputs = ["c", "ca"] },
            { op = "add", name = "sum", inputs = ["b", "cca"] },
            { op = "pointwise", filters = 9 },
            { op = "linear", features = 8 },
            { op = "linear", features = 6 },
        ]
    "#;
    let graph = Graph::resolve(&layers::parse(Path::new("crossing.toml"), text).unwrap()).unwrap();
    let all = |ram| allocate(&graph, u64::MAX, ram, Scheme::PerChannel);
    let Err(Infeasible::Ram { least, .. }) = all(0) else { panic!("no RAM is too little") };
    let most = all(u64::MAX).unwrap().ram;
    assert!(least < most);
    for ram in 0..=most {
        match all(ram) {
            Ok(allocation) => assert!(ram >= least && allocation.ram <= ram, "{ram}"),
            Err(_) => assert!(ram < least, "{ram} is over the least budget {least}"),
        }
    }
}

/// Built-in networks, with residual branches or without: as narrow as their budgets make them, the arena is
/// no larger than what lives at the busiest step. In stages whose outputs lie over their inputs it may be:
/// each tensor of a chain then begins a little before the one that it is made of.
#[test]
fn built_in_networks_reach_the_lower_bound() {
    for name in builtin::NAMES {
        let options = builtin::published(name).unwrap();
        let graph = Graph::resolve(&builtin::spec(name, &options).unwrap()).unwrap();
        let widest = allocate(&graph, u64::MAX, u64::MAX, Scheme::PerChannel).unwrap();
        for percent in [100, 80, 60, 40, 30] {
            let ram = widest.ram * percent / 100;
            if let Ok(allocation) = allocate(&graph, u64::MAX, ram, Scheme::PerChannel) {
                let plan = &allocation.plan;
                println!("{name}, RAM {ram}: arena {}, lower bound {}", plan.bytes, plan.lower_bound);
                let is_chain = allocation.stages.iter().filter(|stripes| stripes.over.is_some()).count() > 1;
                let most = if is_chain { plan.lower_bound * 11 / 10 } else { plan.lower_bound };
                assert!(plan.bytes <= most && plan.bytes as u64 <= ram, "{name} in {ram} B");
            }
        }
    }
}

/// Rows of weights and pixels are padded to whole bytes: where they have one element, fewer bits save
/// nothing.
#[test]
fn what_fewer_bits_do_not_make_smaller_keeps_all() {
    let text = r#"
        input = [16, 16, 1]
        layer = [
            { op = "conv", name = "stem", filters = 16, kernel = [10, 4], stride = 2 },
            { op = "pointwise", name = "wide", filters = 32 },
            { op = "pointwise", name = "map", filters = 1 },
            { op = "conv", name = "spread", filters = 32, kernel = 3 },
            { op = "linear", features = 4 },
        ]
    "#;
    let graph = Graph::resolve(&layers::parse(Path::new("rows.toml"), text).unwrap()).unwrap();
    // Tables of stages would take some of the flash.
    let whole = |bytes: u64| Ram { bytes, execution: Execution::Whole };
    let all = allocate(&graph, u64::MAX, u64::MAX, Scheme::PerChannel).unwrap();
    let Err(Infeasible::Flash { least: flash }) = allocate(&graph, 0, u64::MAX, Scheme::PerChannel) else {
        panic!("no flash is too little")
    };
    let Err(Infeasible::Ram { least: ram, .. }) = allocate(&graph, u64::MAX, whole(0), Scheme::PerChannel)
    else {
        panic!("no RAM is too little")
    };
    let least = allocate(&graph, flash, whole(ram), Scheme::PerChannel).unwrap();
    assert!(least.flash < all.flash && least.ram < all.ram);
    // The stem and `spread` read one channel, `map` writes one.
    let [b2, b8] = [Bits::B2, Bits::B8];
    assert_eq!(least.weights, [b8, b2, b2, b8, b2].map(Some));
    assert_eq!(least.activations[..4], [b2, b2, b8, b2]);
}
