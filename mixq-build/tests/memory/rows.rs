//! Images that come in rows, and images that cannot.

use std::path::Path;

use fastrand::Rng;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::layers;
use mixq_build::engine::memory::{Infeasible, allocate, no_hop, no_rows};
use mixq_build::engine::settings::{Execution, Ram, Scheme};
use mixq_build::engine::shortage::rows;
use mixq_format::Bits;
use proptest::prelude::*;

use crate::{cases, random_graph};

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn an_allocation_feeds_the_first_stage_or_names_the_least_budget(seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let graph = random_graph(&mut rng);
        let scheme = Scheme::PerChannel;
        let within = |bytes: u64| {
            let ram = Ram { bytes, execution: Execution::ROWS };
            allocate(&graph, u64::MAX, ram, scheme)
        };
        if let Some(reason) = no_rows(&graph, Bits::B8) {
            prop_assert!(within(u64::MAX).is_err(), "{}", reason);
            prop_assert!(rows::check("it", &graph, Execution::ROWS, Bits::B8).is_err());
            return Ok(());
        }
        let least = match within(0) {
            Err(Infeasible::Ram { least, needed, .. }) => {
                prop_assert!(needed > 0 && needed <= least);
                least
            }
            other => panic!("no RAM gives {other:?}"),
        };
        let widest = within(u64::MAX).unwrap();
        prop_assert!(widest.cuts.is_empty());
        let budgets = [least, least + rng.u64(..=widest.ram), rng.u64(..=widest.ram), u64::MAX];
        for bytes in budgets {
            match within(bytes) {
                Ok(allocation) => {
                    prop_assert!(allocation.ram <= bytes);
                    let first = &allocation.stages[0];
                    let image = allocation.tensors[0];
                    prop_assert!(first.stage.fed && first.image == Some(image.rows));
                    prop_assert!(image.rows < image.shape.height);
                    prop_assert!(allocation.stages[1..].iter().all(|stripes| !stripes.stage.fed));
                }
                Err(Infeasible::Ram { least: named, needed, .. }) => {
                    prop_assert!(bytes < least && named == least && needed > bytes, "{} {}", named, needed);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

#[track_caller]
fn refused(network: &str, bits: Bits, reason: &str) {
    let spec = layers::parse(Path::new("network.toml"), network).unwrap_or_else(|error| panic!("{error}"));
    let graph = Graph::resolve(&spec).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(no_rows(&graph, bits).as_deref(), Some(reason));
    let problem = rows::check("`net`", &graph, Execution::ROWS, bits).unwrap_err().to_string();
    assert!(problem.starts_with(&format!("`net`: its image cannot come in rows: {reason}")), "{problem}");
    assert!(problem.contains("execution = \"stripes\""), "{problem}");
    for execution in [Execution::Stripes, Execution::Whole] {
        assert!(rows::check("`net`", &graph, execution, bits).is_ok());
    }
}

#[test]
fn a_layer_that_needs_the_whole_image_is_named() {
    let end = "[[layer]]\nop = \"global_average_pool\"\n[[layer]]\nop = \"linear\"\nfeatures = 3";
    let linear = "input = [8, 8, 4]\n[[layer]]\nop = \"linear\"\nfeatures = 3";
    refused(linear, Bits::B8, "layer `linear1` (linear) needs all rows of its input at once");
    let conv = "[[layer]]\nop = \"conv\"\nfilters = 4\nkernel = 3\n";
    let odd = format!("input = [8, 5, 1]\n{conv}{end}");
    refused(&odd, Bits::B8, "a row of the image has 5 bytes, which is not a multiple of 4");
    let narrow = format!("input = [8, 6, 2]\n{conv}{end}");
    let reason = "a row of the output of layer `conv1` (conv 3x3) has 6 bytes, which is not a multiple of 4";
    refused(&narrow, Bits::B2, reason);
    let tall = "[[layer]]\nop = \"conv\"\nfilters = 4\nkernel = [8, 3]\npadding = \"valid\"\n";
    let tall = format!("input = [8, 6, 2]\n{tall}{end}");
    refused(&tall, Bits::B8, "layer `conv1` (conv 8x3) needs all rows of its input at once");
    let late = format!(
        "input = [8, 8, 4]\n{conv}[[layer]]\nop = \"transpose\"\n\
         order = [\"width\", \"height\", \"channels\"]\n\
         [[layer]]\nname = \"late\"\nop = \"conv\"\nfilters = 4\nkernel = 3\ninputs = [\"image\"]\n\
         [[layer]]\nop = \"add\"\ninputs = [\"transpose1\", \"late\"]\n{end}"
    );
    let reason = "layer `transpose1` (rearrange) needs all rows of its input at once, and layer `late` \
                  (conv 3x3) also reads the image";
    refused(&late, Bits::B8, reason);
    let two = "[inputs]\na = [8, 8, 4]\nb = [8, 8, 4]\n\
               [[layer]]\nname = \"c\"\nop = \"conv\"\nfilters = 4\nkernel = 3\ninputs = [\"a\"]\n\
               [[layer]]\nname = \"d\"\nop = \"conv\"\nfilters = 4\nkernel = 3\ninputs = [\"b\"]\n\
               [[layer]]\nop = \"add\"\ninputs = [\"c\", \"d\"]\n";
    refused(&format!("{two}{end}"), Bits::B8, "the network has 2 inputs");
}

/// By the first layer: a window of `rows` rows, a convolution with these lines, and why windows that begin
/// `hop` rows apart cannot overlap.
#[track_caller]
fn cannot_overlap(rows: usize, conv: &str, hop: u16, reason: &str, help: &str) {
    let end = "[[layer]]\nop = \"global_average_pool\"\n[[layer]]\nop = \"linear\"\nfeatures = 3";
    let text = format!("input = [{rows}, 4, 4]\n[[layer]]\nop = \"conv\"\nfilters = 4\n{conv}\n{end}\n");
    let spec = layers::parse(Path::new("network.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
    let graph = Graph::resolve(&spec).unwrap_or_else(|error| panic!("{error}"));
    let found = no_hop(&graph, Bits::B8, hop);
    assert_eq!(found, Some([reason.to_string(), help.to_string()]));
    let execution = Execution::Rows { hop };
    let problem = rows::check("`net`", &graph, execution, Bits::B8).unwrap_err().to_string();
    let start = format!("`net`: its windows cannot overlap with `hop` = {hop}: {reason}");
    assert!(problem.starts_with(&start) && problem.contains(help), "{problem}");
    let ram = Ram { bytes: u64::MAX, execution };
    assert!(allocate(&graph, u64::MAX, ram, Scheme::PerChannel).is_err());
    assert_eq!(no_hop(&graph, Bits::B8, 0), None);
}

#[test]
fn windows_that_cannot_overlap_say_why() {
    let columns = "padding = [0, 0, 1, 1]";
    let open = format!("kernel = 3\n{columns}");
    let reason = "windows of 20 rows that begin 20 rows apart do not overlap";
    cannot_overlap(20, &open, 20, reason, "`hop` is less than 20");
    let reason = "layer `conv1` (conv 3x3) pads rows, so that its rows at the ends of a window are those of \
                  no other one";
    let help = "pad its columns alone: padding = [0, 0, LEFT, RIGHT]";
    cannot_overlap(20, "kernel = 3", 2, reason, help);
    cannot_overlap(20, "kernel = 3\npadding = [0, 1, 1, 1]", 2, reason, help);
    let strided = format!("kernel = 3\nstride = [2, 1]\n{columns}");
    let reason = "layer `conv1` (conv 3x3) sees 19 of the 20 rows of a window";
    cannot_overlap(20, &strided, 2, reason, "make the window 19 rows high");
    let reason = "layer `conv1` (conv 3x3) has a stride of 2 rows, and `hop` is 3";
    cannot_overlap(19, &strided, 3, reason, "`hop` is a multiple of 2");
    let reason = "windows that begin 19 rows apart share no row of the output of layer `conv1` (conv 3x3), \
                  which has 18";
    cannot_overlap(20, &open, 19, reason, "`hop` is at most 18");
}
