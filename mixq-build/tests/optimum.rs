//! Allocation by sensitivity: never worse than the rules, and as good as the best of all choices on small
//! networks.

use fastrand::Rng;
use mixq_build::engine::config::Scheme;
use mixq_build::engine::graph::{Graph, Op};
use mixq_build::engine::memory::{Allocation, Infeasible, Losses, WIDTHS, allocate, allocate_by_losses};
use mixq_format::Bits;
use mixq_tests::graphs::random_graph;
use proptest::prelude::*;

/// Losses that grow as bits go; whole numbers, which add up exactly in any order.
fn losses(graph: &Graph, rng: &mut Rng) -> Losses {
    let mut draw = || {
        let (four, two) = (rng.u32(0..50), rng.u32(0..200));
        [0.0, f64::from(four), f64::from(four + two)]
    };
    let mut all = || (0..graph.nodes.len()).map(|_| draw()).collect::<Vec<_>>();
    Losses { weights: all(), activations: all() }
}

fn loss_at(losses: &[f64; 3], bits: Bits) -> f64 {
    losses[WIDTHS.iter().position(|width| *width == bits).unwrap()]
}

/// What an allocation loses: each weight tensor, and each output that has a grid of its own.
fn total(graph: &Graph, allocation: &Allocation, losses: &Losses) -> (f64, f64) {
    let weights = allocation.weights.iter().zip(&losses.weights);
    let weights = weights.filter_map(|(bits, losses)| bits.map(|bits| loss_at(losses, bits))).sum();
    let own = |node: &usize| graph.nodes[*node].op.output().has_own_grid() && node + 1 < graph.nodes.len();
    let outputs = (0..graph.nodes.len()).filter(own);
    let activations =
        outputs.map(|node| loss_at(&losses.activations[node], allocation.activations[node])).sum();
    (weights, activations)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_worse_than_the_rules_and_within_the_budgets(seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let graph = random_graph(&mut rng);
        let losses = losses(&graph, &mut rng);
        let scheme = Scheme::CHOICES[rng.usize(0..4)].1;
        // Other activations have other thresholds and tables, which leave other room for weights.
        let tables = graph.nodes.iter().any(|node| matches!(node.op, Op::Elementwise(_)));
        let thresholds = scheme == Scheme::PerChannelThresholds || tables;
        let free = allocate_by_losses(&graph, u64::MAX, u64::MAX, scheme, &losses).unwrap();
        prop_assert_eq!(total(&graph, &free, &losses), (0.0, 0.0));
        let widest = allocate(&graph, u64::MAX, u64::MAX, scheme).unwrap();
        for _ in 0..4 {
            let (flash, ram) = (rng.u64(..=widest.flash), rng.u64(..=widest.ram));
            let by_losses = allocate_by_losses(&graph, flash, ram, scheme, &losses);
            match (allocate(&graph, flash, ram, scheme), by_losses) {
                (Ok(rules), Ok(best)) => {
                    prop_assert!(best.flash <= flash && best.ram <= ram);
                    let [best_loss, rule_loss] = [&best, &rules].map(|found| total(&graph, found, &losses));
                    prop_assert!(thresholds || best_loss.0 <= rule_loss.0, "{:?} {:?}", best_loss, rule_loss);
                    // Where branches cross, a plan may need more than what lives, and the optimum is that of
                    // less.
                    let chain = !graph.nodes.iter().any(|node| matches!(node.op, Op::Add { .. }));
                    prop_assert!(!chain || best_loss.1 <= rule_loss.1, "{:?} {:?}", best_loss, rule_loss);
                }
                (Err(Infeasible::Flash { least: a }), Err(Infeasible::Flash { least: b })) => {
                    prop_assert!(thresholds || a == b, "{} {}", a, b);
                }
                // RAM and flash are looked at in another order.
                (Err(_), Err(_)) => {}
                // With the activations that lose least there may be fewer thresholds.
                (Err(Infeasible::Flash { .. }), Ok(best)) if thresholds => {
                    prop_assert!(best.flash <= flash && best.ram <= ram);
                }
                (rules, best) => prop_assert!(false, "{:?} but \
                    {:?}", rules.map(|a| a.ram), best.map(|a| a.ram)),
            }
        }
    }
}

/// A chain with 3^3 choices for its activations: the optimum by trying all.
#[test]
fn a_chain_is_solved_as_by_trying_all() {
    use mixq_build::engine::import::layers;
    let text = r#"
        input = [6, 6, 1]
        layer = [
            { op = "conv", filters = 5, kernel = 3 },
            { op = "conv", filters = 7, kernel = 3 },
            { op = "conv", filters = 4, kernel = 3, stride = 2 },
            { op = "linear", features = 3 },
        ]
    "#;
    let graph = Graph::resolve(&layers::parse("chain.toml".as_ref(), text).unwrap()).unwrap();
    let mut rng = Rng::with_seed(7);
    let word = |bytes: usize| bytes.next_multiple_of(4) as u64;
    for _ in 0..50 {
        let losses = losses(&graph, &mut rng);
        let ram = rng.u64(150..460);
        let mut best = f64::INFINITY;
        for choice in 0..27 {
            let [a, b, c] = [WIDTHS[choice % 3], WIDTHS[choice / 3 % 3], WIDTHS[choice / 9]];
            let bytes =
                [36, word(36 * a.row_bytes(5)), word(36 * b.row_bytes(7)), word(9 * c.row_bytes(4)), 12];
            if bytes.windows(2).all(|pair| pair[0] + pair[1] <= ram) {
                let loss = |node: usize, bits| loss_at(&losses.activations[node], bits);
                best = best.min(loss(0, a) + loss(1, b) + loss(2, c));
            }
        }
        match allocate_by_losses(&graph, u64::MAX, ram, Scheme::PerChannel, &losses) {
            Ok(allocation) => assert_eq!(total(&graph, &allocation, &losses).1, best, "{ram}"),
            Err(_) => assert_eq!(best, f64::INFINITY, "{ram}"),
        }
    }
}
