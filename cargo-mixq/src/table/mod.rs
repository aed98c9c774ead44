//! The tables that people read.

mod allocation;
mod artifact;

pub use allocation::allocation;
pub use artifact::artifact;
use comfy_table::{Cell, Color, LineStyle, TableStyle};

/// A line under the titles, and no others.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Fewer bits than 8 are coloured.
fn bits_cell(bits: Option<u8>, text: String) -> Cell {
    let cell = Cell::new(text);
    match bits {
        Some(2) => cell.fg(Color::Red),
        Some(4) => cell.fg(Color::Yellow),
        _ => cell,
    }
}
