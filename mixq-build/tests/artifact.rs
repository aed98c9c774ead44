//! Artifacts: which change of which input makes them stale, what is wrong with a file, what writing
//! leaves behind, and what needs no training.

#[path = "artifact/freshness.rs"]
mod freshness;
#[path = "artifact/laid_out.rs"]
mod laid_out;
#[path = "artifact/unusable.rs"]
mod unusable;
#[path = "artifact/writing.rs"]
mod writing;

use mixq_build::engine::artifact::State;
use mixq_build::engine::prepare::Prepared;
use mixq_tests::package::Package;

fn state(package: &Package) -> State {
    let config = package.config();
    let prepared = Prepared::new(&config.models[0], None).unwrap_or_else(|error| panic!("{error}"));
    prepared.state(&package.artifact()).unwrap()
}
