//! `cargo mixq chips`.

use comfy_table::{Attribute, Cell, CellAlignment, Table};
use serde_json::json;

use super::Answer;
use mixq_build::engine::clock::hertz;
use mixq_build::engine::config::chips::CHIPS;
use mixq_build::engine::size::bytes;

/// A table, unless JSON is wanted instead.
pub fn run(json: bool) -> Answer {
    if !json {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(
            ["chip", "core", "clock", "flash", "RAM", "what is counted"]
                .map(|title| Cell::new(title).add_attribute(Attribute::Bold)),
        );
        for chip in CHIPS {
            let sizes = [bytes(chip.flash), bytes(chip.ram)];
            let sizes = sizes.map(|size| Cell::new(size).set_alignment(CellAlignment::Right));
            let [flash, ram] = sizes;
            table.add_row([
                Cell::new(chip.name),
                Cell::new(chip.core.title),
                Cell::new(hertz(chip.clock)).set_alignment(CellAlignment::Right),
                flash,
                ram,
                Cell::new(chip.note),
            ]);
        }
        say!("{table}");
    }
    Answer { json: json!({ "ok": true, "chips": CHIPS }), well: true }
}
