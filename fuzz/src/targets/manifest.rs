//! Cargo.toml: settings, then the networks that they name.

use std::fs;
use std::path::Path;

use mixq_build::engine::config::Config;
use mixq_build::engine::prepare::Prepared;

use super::messages::refused;
use crate::mutate::{mutate_text, text};
use crate::seeds::networks::{LAYER_LISTS, MANIFEST as TEXT, MEMORY_X};
use crate::{Target, Verdict};

/// A manifest may ask for networks of any size. Bits of those over this are not looked for: that takes long
/// by right.
const MOST_NODES: usize = 200;

pub(super) const MANIFEST: Target =
    Target { name: "manifest", generate: |rng| text(rng, TEXT, 3), mutate: mutate_text, read };

fn read(case: &[u8], scratch: &Path) -> Verdict {
    let write = |name: &str, contents: &[u8]| {
        fs::write(scratch.join(name), contents).expect("the scratch folder can be written to");
    };
    write("net.toml", LAYER_LISTS[0].as_bytes());
    write("memory.x", MEMORY_X.as_bytes());
    write("d.csv", b"0,0\n");
    write("Cargo.toml", case);
    let config = match Config::load(scratch) {
        Ok(config) => config,
        Err(error) => return refused(&error),
    };
    assert!(!config.models.is_empty(), "a configuration without models");
    assert!(
        Config::load(scratch).is_ok_and(|again| again == config),
        "read again, it is another configuration"
    );
    for model in &config.models {
        let prepared = match Prepared::new(model, None) {
            Ok(prepared) => prepared,
            Err(error) => {
                refused(&error);
                continue;
            }
        };
        if prepared.graph.nodes.len() > MOST_NODES {
            continue;
        }
        match prepared.allocate() {
            Ok(allocation) => {
                let (flash, ram) = (allocation.flash, allocation.ram);
                assert!(
                    flash <= model.flash && ram <= model.ram,
                    "{flash} and {ram} bytes are over the budget"
                );
            }
            Err(error) => {
                refused(&error);
            }
        }
    }
    Verdict::Accepted
}
