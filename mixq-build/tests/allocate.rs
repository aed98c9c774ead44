//! What a network takes, and what is said where it does not fit.

#[path = "allocate/alternatives.rs"]
mod alternatives;
#[path = "allocate/messages.rs"]
mod messages;

use mixq_build::engine::graph::Graph;
use mixq_build::engine::import;
use mixq_build::engine::import::{Builtin, NetworkSource};

/// The built-in network of this name, as published.
fn builtin(name: &str) -> Builtin {
    Builtin::published(name).unwrap()
}

fn resolve(source: &NetworkSource) -> Graph {
    Graph::resolve(&import::read(source).unwrap().spec).unwrap()
}
