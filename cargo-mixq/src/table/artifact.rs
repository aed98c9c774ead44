//! The table of an artifact.

use comfy_table::{Attribute, Cell, CellAlignment, Table};

use mixq_build::engine::report::{LayerReport, Report, activation_bits, stages};
use mixq_build::engine::size::{bytes, thousands};
use mixq_build::engine::task::rules;

use super::bits_cell;

/// Layers, memory against budget, accuracies, coloured on a terminal.
pub fn artifact(report: &Report) -> String {
    let mut layers = Table::new();
    layers.load_style(super::STYLE);
    let mut titles =
        vec!["layer", "kind", "output", "weights", "output bits", "MAC", "flash", "output bytes"];
    titles.extend(report.speed.instructions.map(|_| "instructions"));
    layers.set_header(titles.iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    for layer in &report.layers {
        layers.add_row(row(layer));
    }
    for column in 3..titles.len() {
        if let Some(column) = layers.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let share = |used: u64, budget: u64| 100.0 * used as f64 / budget as f64;
    let memory = |what: &str, used: u64, budget: u64| {
        format!("{what:<6}{:>12} of {:>12}  ({:.1} %)\n", bytes(used), bytes(budget), share(used, budget))
    };
    let rules = rules(report.task);
    let score = |what: &str, score: Option<f64>| {
        score.map_or(String::new(), |score| format!("{what:<16}{:>9}\n", rules.shown(score)))
    };
    let images = match (report.test_images, report.agreement) {
        (0, _) => "not measured: there were no test images".to_string(),
        (count, false) => format!("{} on {count} test images", rules.measure()),
        (count, true) => {
            format!("agreement with the float network on {count} unlabelled images ({})", rules.measure())
        }
    };
    let gap = match report.ram_bytes - report.arena_lower_bound {
        0 => "no more than is alive there".to_string(),
        gap if gap == report.speed.speed_bytes => {
            format!("{} for speed more than is alive there", bytes(gap))
        }
        gap => format!("{} more than is alive there", bytes(gap)),
    };
    let stages = stages::text(&report.stages);
    let peak = format!("RAM peaks at `{}`; the arena takes {gap}\n{stages}", report.peak_layer);
    format!(
        "model `{}`, {} MAC\n{layers}\n{}{}{peak}{}{}\n{images}\n{}{}{}{}",
        report.model,
        thousands(report.macs),
        memory("flash", report.flash_bytes, report.flash_budget),
        memory("RAM", report.ram_bytes, report.ram_budget),
        super::speed(&report.speed, report.ram_bytes),
        report.units,
        score("float", report.float_accuracy),
        if report.as_imported { String::new() } else { score("fake-quantised", report.fake_quant_accuracy) },
        score("integer", report.integer_accuracy),
        if report.details.is_empty() { String::new() } else { format!("\n{}", report.details) },
    )
}

fn row(layer: &LayerReport) -> Vec<Cell> {
    let [height, width, channels] = layer.shape;
    let mut cells = vec![
        Cell::new(&layer.name),
        Cell::new(&layer.kind),
        Cell::new(format!("{height}x{width}x{channels}")),
        bits_cell(
            layer.weight_bits,
            layer.weight_bits.map_or("-".to_string(), |bits| format!("{bits} bits")),
        ),
        bits_cell(Some(layer.activation_bits), activation_bits(layer.activation_bits)),
        Cell::new(thousands(layer.macs)),
        Cell::new(bytes(layer.flash_bytes)),
        Cell::new(bytes(layer.output_bytes)),
    ];
    cells.extend(layer.instructions.map(|count| Cell::new(thousands(count))));
    cells
}
