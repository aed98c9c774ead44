//! The table of a network in several places.

use comfy_table::{Attribute, Cell, CellAlignment, Table};

use mixq_build::engine::report::allocation::AllocationReport;
use mixq_build::engine::size::{bytes, thousands};

use super::milliseconds;

/// A row for each place: memory, how many tensors lost bits, and how fast it is; or what is too small.
pub fn sweep(network: &str, rows: &[(String, Result<AllocationReport, String>)]) -> String {
    let mut table = Table::new();
    table.load_style(super::STYLE);
    let titles = ["place", "flash", "RAM", "of it for speed", "cuts", "instructions", "cycles", "time"];
    table.set_header(titles.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    for (place, row) in rows {
        table.add_row(match row {
            Ok(report) => cells(place, report),
            Err(shortage) => vec![Cell::new(place), Cell::new(shortage)],
        });
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    format!("`{network}`\n{table}\n")
}

fn cells(place: &str, report: &AllocationReport) -> Vec<Cell> {
    let known = |figure: Option<u64>| Cell::new(figure.map_or("-".to_string(), thousands));
    vec![
        Cell::new(place),
        Cell::new(bytes(report.flash_bytes)),
        Cell::new(bytes(report.ram_bytes)),
        Cell::new(bytes(report.speed.speed_bytes)),
        Cell::new(report.cuts.len()),
        known(report.speed.instructions),
        known(report.speed.cycles_estimate),
        Cell::new(report.speed.milliseconds_estimate.map_or("-".to_string(), milliseconds)),
    ]
}
