//! The table of a network's layers, before bits are known.

use comfy_table::{Attribute, Cell, CellAlignment, Table};

use mixq_build::engine::graph::Graph;
use mixq_build::engine::size::thousands;

/// Layers with their shapes, parameters and MACs.
pub fn network(graph: &Graph) -> String {
    let mut layers = Table::new();
    layers.load_style(super::STYLE);
    let titles = ["layer", "kind", "output", "parameters", "MAC"];
    layers.set_header(titles.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    for (index, node) in graph.nodes.iter().enumerate() {
        layers.add_row([
            node.name.clone(),
            node.op.word().to_string(),
            node.output.to_string(),
            thousands(graph.parameters(index) as u64),
            thousands(graph.macs(index)),
        ]);
    }
    layers.column_iter_mut().skip(3).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    layers.to_string()
}
