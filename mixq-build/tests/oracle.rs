//! The allocation rules against what the paper's authors' own program answers.

use std::path::{Path, PathBuf};

use mixq_build::engine::config::Scheme;
use mixq_build::engine::memory::paper::{LayerSize, allocate};
use mixq_build::engine::settings::DELTA;
use serde::Deserialize;

#[derive(Deserialize)]
struct Network {
    name: String,
    layers: Vec<LayerSize>,
    cases: Vec<Case>,
}

/// Budgets in bytes, and the answer.
#[derive(Debug, Deserialize)]
struct Case {
    flash: u64,
    ram: u64,
    scheme: String,
    status: String,
    #[serde(default)]
    activation_bits: Vec<u8>,
    #[serde(default)]
    weight_bits: Vec<u8>,
}

impl Case {
    fn scheme(&self) -> Scheme {
        match self.scheme.as_str() {
            "per-layer" => Scheme::PerLayer,
            "per-channel" => Scheme::PerChannel,
            other => panic!("the oracle knows no scheme {other}"),
        }
    }
}

/// `MIXQ_ORACLE` names another file of the same form.
#[test]
fn every_case_of_the_oracle_is_answered_alike() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/allocation.json");
    let other = std::env::var_os("MIXQ_ORACLE").map(PathBuf::from);
    let text = std::fs::read_to_string(other.as_ref().unwrap_or(&shipped)).unwrap();
    let networks: Vec<Network> = serde_json::from_str(&text).unwrap();
    let (mut compared, mut infeasible, mut differences) = (0, 0, Vec::new());
    for network in &networks {
        for case in &network.cases {
            let found = allocate(&network.layers, case.flash, case.ram, case.scheme(), DELTA);
            let same = match (case.status.as_str(), &found) {
                ("ok", Ok(widths)) => {
                    let counts = |bits: &[mixq_format::Bits]| -> Vec<u8> {
                        bits.iter().map(|bits| u8::from(*bits)).collect()
                    };
                    counts(&widths.activations) == case.activation_bits
                        && counts(&widths.weights) == case.weight_bits
                }
                ("infeasible", Err(_)) => true,
                ("ok" | "infeasible", _) => false,
                (status, _) => panic!("the oracle knows no status {status}"),
            };
            compared += 1;
            infeasible += usize::from(found.is_err());
            if !same {
                differences.push(format!("{}: {case:?}, found {found:?}", network.name));
            }
        }
    }
    println!("{compared} allocations compared ({infeasible} infeasible), {} differ", differences.len());
    assert_eq!(differences, Vec::<String>::new());
    match other {
        None => assert_eq!(compared, 852),
        Some(_) => assert!(compared > 0, "the file has no cases"),
    }
}
