//! The float network: layer lists, shapes, figures, messages.

#[path = "graph/builtin.rs"]
mod builtin;
#[path = "graph/folding.rs"]
mod folding;
#[path = "graph/functions.rs"]
mod functions;
#[path = "graph/grouped.rs"]
mod grouped;
#[path = "graph/inputs.rs"]
mod inputs;
#[path = "graph/joined.rs"]
mod joined;
#[path = "graph/keys.rs"]
mod keys;
#[path = "graph/layer_list.rs"]
mod layer_list;
#[path = "graph/layouts.rs"]
mod layouts;
#[path = "graph/limits.rs"]
mod limits;
#[path = "graph/links.rs"]
mod links;
#[path = "graph/list.rs"]
mod list;
#[path = "graph/mobilenet_v2.rs"]
mod mobilenet_v2;
#[path = "graph/mobilenet_v3.rs"]
mod mobilenet_v3;
#[path = "graph/rearranged.rs"]
mod rearranged;
#[path = "graph/windows.rs"]
mod windows;

use std::path::Path;

use mixq_build::engine::error::Error;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::layers;

/// The network of a layer list that tests write as `net.toml`.
fn resolve(text: &str) -> Result<Graph, Error> {
    Graph::resolve(&layers::parse(Path::new("net.toml"), text)?)
}
