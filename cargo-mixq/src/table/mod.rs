//! The tables that people read.

mod allocation;
mod artifact;
mod network;
mod sweep;

pub use allocation::allocation;
pub use artifact::artifact;
use comfy_table::{Cell, Color, LineStyle, TableStyle};
use mixq_build::engine::clock::hertz;
use mixq_build::engine::report::SpeedReport;
use mixq_build::engine::size::{bytes, thousands};
pub use network::network;
pub use sweep::sweep;

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

/// How fast a network is that takes this number of bytes of RAM; empty where that is not known.
fn speed(speed: &SpeedReport, ram_bytes: u64) -> String {
    let (Some(fast), Some(slow), Some(rust_target)) =
        (speed.instructions, speed.least_arena_instructions, &speed.rust_target)
    else {
        return String::new();
    };
    let cycles =
        speed.cycles_estimate.map_or(String::new(), |cycles| format!(", about {} cycles", thousands(cycles)));
    let time = match (speed.milliseconds_estimate, speed.clock_hz) {
        (Some(time), Some(clock)) => format!(" or {} at {}", milliseconds(time), hertz(clock)),
        _ => String::new(),
    };
    let saved = match speed.speed_bytes {
        0 => String::new(),
        more => format!(
            "RAM: {} needed, {} for speed; without it {} instructions\n",
            bytes(ram_bytes - more),
            bytes(more),
            thousands(slow)
        ),
    };
    format!("{} instructions{cycles}{time}, on {rust_target}\n{saved}", thousands(fast))
}

/// Three digits: "0.182 ms", "12.1 ms".
fn milliseconds(time: f64) -> String {
    let decimals = if time < 1.0 {
        3
    } else if time < 10.0 {
        2
    } else {
        1
    };
    format!("{time:.decimals$} ms")
}
