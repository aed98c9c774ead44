//! Layer lists, and the bits that they get under many budgets.

use std::path::Path;

use fastrand::Rng;
use mixq_build::engine::config::Scheme;
use mixq_build::engine::error::Error;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::{NetworkSource, layers};
use mixq_build::engine::report::allocation::AllocationReport;
use mixq_build::engine::settings::Execution;
use mixq_build::engine::shortage::{MemoryModel, Request};

use super::messages::refused;
use crate::mutate::{mutate_text, one, text};
use crate::seeds::networks::LAYER_LISTS;
use crate::{Target, Verdict};

pub(super) const NETWORK: Target = Target {
    name: "network",
    generate: |rng| {
        let list = one(rng, &LAYER_LISTS);
        text(rng, list, 3)
    },
    mutate: mutate_text,
    read,
};

fn read(case: &[u8], _: &Path) -> Verdict {
    let list = String::from_utf8_lossy(case);
    let read = || layers::parse(Path::new("net.toml"), &list).and_then(|spec| Graph::resolve(&spec));
    let graph = match read() {
        Ok(graph) => graph,
        Err(error) => return refused(&error),
    };
    let json = serde_json::to_string(&graph).expect("a graph has a fingerprint");
    let again = read().map(|again| serde_json::to_string(&again).expect("a graph has a fingerprint"));
    assert!(again.is_ok_and(|again| again == json), "read again, it is another network");
    let source = NetworkSource::File("net.toml".into());
    // The same budgets for the same case.
    let mut rng = Rng::with_seed(case.len() as u64);
    let mut budget = || rng.u64(..) >> rng.u32(..64);
    for budgets in [[u64::MAX; 2], [4096, 1024], [1 << 20, 1 << 18], [budget(), budget()]] {
        let schemes =
            [Scheme::PerChannel, Scheme::PerLayer, Scheme::PerLayerFolded, Scheme::PerChannelThresholds];
        for scheme in schemes {
            allocate(&graph, &source, budgets, scheme);
        }
    }
    Verdict::Accepted
}

/// Panics if what is said to fit does not.
fn allocate(graph: &Graph, source: &NetworkSource, [flash, ram]: [u64; 2], scheme: Scheme) {
    let memory_model = MemoryModel::Runtime { delta: 50_000, execution: Execution::Stripes };
    let who = "the network".to_string();
    let request = Request { who, source, graph, flash, ram, scheme, memory_model };
    match AllocationReport::new(&request, "net.toml", None) {
        Ok(report) => {
            let bytes = (report.flash_bytes, report.ram_bytes);
            assert!(
                bytes.0 <= flash && bytes.1 <= ram,
                "{bytes:?} bytes are over the budget of {flash} and {ram}"
            );
            assert!(report.json().is_object(), "an empty report");
        }
        Err(problems) => {
            refused(&Error { problems });
        }
    }
}
