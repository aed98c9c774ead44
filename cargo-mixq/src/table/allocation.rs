//! The table of an allocation.

use comfy_table::{Attribute, Cell, CellAlignment, Table};

use mixq_build::engine::report::allocation::{AllocationReport, LayerAllocation};
use mixq_build::engine::report::{InputReport, activation_bits, stages};
use mixq_build::engine::size::{bytes, thousands};

use super::bits_cell;

/// Layers with their bits and cuts, memory against budget, and where it peaks.
pub fn allocation(report: &AllocationReport) -> String {
    let mut layers = Table::new();
    layers.load_style(super::STYLE);
    let mut titles =
        vec!["layer", "kind", "output", "cuts", "MAC", "weights", "bytes", "output bits", "bytes", "alive"];
    titles.extend(report.speed.instructions.map(|_| "instructions"));
    layers.set_header(titles.iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    for layer in &report.layers {
        layers.add_row(row(layer, report.cuts_of(&layer.name)));
    }
    layers.column_iter_mut().skip(4).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    let memory = |what: &str, used: u64, budget: Option<u64>| match budget {
        Some(budget) => {
            let share = 100.0 * used as f64 / budget as f64;
            format!("{what:<6}{:>12} of {:>12}  ({share:.1} %)\n", bytes(used), bytes(budget))
        }
        None => format!("{what:<6}{:>12}\n", bytes(used)),
    };
    let arena = match report.arena_lower_bound {
        Some(live) => match report.ram_bytes - report.speed.speed_bytes - live {
            0 => "; the arena needs no more than lives there".to_string(),
            more => format!("; the arena needs {} more than lives there", bytes(more)),
        },
        None => String::new(),
    };
    let inputs = match &report.inputs[..] {
        [] | [_] => String::new(),
        several => {
            let each: Vec<String> = several.iter().map(input).collect();
            format!("reads {}\n", each.join(", "))
        }
    };
    format!(
        "`{}`, {}, memory model `{}`, {} MAC\n{inputs}{layers}\n{}{}RAM peaks at `{}`{arena}\n{}{}",
        report.network,
        report.scheme.name(),
        report.memory_model,
        thousands(report.macs),
        memory("flash", report.flash_bytes, report.flash_budget),
        memory("RAM", report.ram_bytes, report.ram_budget),
        report.peak_layer,
        uncut(report) + &stages::text(&report.stages),
        super::speed(&report.speed, report.ram_bytes),
    )
}

/// The RAM in which activations need not lose bits, where they do, or are executed in stripes for that.
fn uncut(report: &AllocationReport) -> String {
    match &report.uncut {
        Some(uncut) if report.ram_bytes < uncut.whole_bytes && uncut.stripes_bytes < uncut.whole_bytes => {
            let [whole, stripes] = [uncut.whole_bytes, uncut.stripes_bytes].map(bytes);
            let rows = uncut.rows_bytes.map(bytes);
            let rows = rows.map_or(String::new(), |rows| format!(", with rows of the image in {rows}"));
            format!("activations keep their bits in {whole} of RAM, in stripes of rows in {stripes}{rows}\n")
        }
        _ => String::new(),
    }
}

/// `meta` 1x1x3 of 4 bits, 2 B.
fn input(InputReport { name, shape: [height, width, channels], bits, bytes: size }: &InputReport) -> String {
    format!("`{name}` {height}x{width}x{channels} of {bits} bits, {}", bytes(*size))
}

fn row(layer: &LayerAllocation, cuts: String) -> Vec<Cell> {
    let [height, width, channels] = layer.shape;
    let weights = layer.weight_bits.map(|bits| (format!("{bits} bits"), bytes(layer.weight_bytes)));
    let (weight_bits, weight_bytes) = weights.unwrap_or(("-".to_string(), "-".to_string()));
    let mut cells = vec![
        Cell::new(&layer.name),
        Cell::new(&layer.kind),
        Cell::new(format!("{height}x{width}x{channels}")),
        Cell::new(cuts),
        Cell::new(thousands(layer.macs)),
        bits_cell(layer.weight_bits, weight_bits),
        Cell::new(weight_bytes),
        bits_cell(Some(layer.activation_bits), activation_bits(layer.activation_bits)),
        Cell::new(bytes(layer.output_bytes)),
        Cell::new(bytes(layer.live_bytes)),
    ];
    cells.extend(layer.instructions.map(|count| Cell::new(thousands(count))));
    cells
}
