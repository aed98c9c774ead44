//! What a network takes, and what is said where it does not fit.

#[path = "allocate/alternatives.rs"]
mod alternatives;
#[cfg(feature = "cli")]
#[path = "allocate/command.rs"]
mod command;
#[path = "allocate/messages.rs"]
mod messages;
#[cfg(feature = "cli")]
#[path = "allocate/paper.rs"]
mod paper;

use mixq_build::graph::Graph;
use mixq_build::import::{self, Builtin, NetworkSource};

/// The built-in network of this name, as published.
fn builtin(name: &str) -> Builtin {
    Builtin::published(name).unwrap()
}

fn resolve(source: &NetworkSource) -> Graph {
    Graph::resolve(&import::read(source).unwrap().spec).unwrap()
}
