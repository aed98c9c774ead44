//! One network on several chips or in several budgets: a row for each.

use serde_json::{Value, json};

use super::{Arguments, platform, with_ok};
use crate::{Answer, table};
use mixq_build::engine::config::chips::{self, Chip};
use mixq_build::engine::error::{Error, Problem};
use mixq_build::engine::report::allocation::AllocationReport;
use mixq_build::engine::shortage::Request;
use mixq_build::engine::size;

/// A place for the network.
struct Place {
    /// As it was written.
    name: String,
    chip: Option<&'static Chip>,
    flash: u64,
    ram: u64,
}

/// Allocates the network everywhere, and prints the table. That it does not fit somewhere is an answer, no
/// error.
///
/// # Errors
/// A place is neither a chip nor a budget.
pub fn run(arguments: &Arguments, request: &Request<'_>) -> Result<Answer, Error> {
    let (mut places, mut wrong) = (Vec::new(), Vec::new());
    for text in &arguments.sweep {
        match place(text) {
            Ok(place) => places.push(place),
            Err(problem) => wrong.push(problem),
        }
    }
    if !wrong.is_empty() {
        return Err(Error { problems: wrong });
    }
    let (mut rows, mut answers) = (Vec::new(), Vec::new());
    for Place { name, chip, flash, ram } in places {
        let platform = platform(arguments, chip)?;
        let request = Request { flash, ram, ..request.clone() };
        let result = AllocationReport::new(&request, &arguments.network, platform.as_ref());
        let (answer, row) = match result {
            Ok(report) => (with_ok(report.json(), true), Ok(report)),
            Err(problems) => (json!({ "ok": false, "fits": false }), Err(shortage(&problems))),
        };
        answers.push(named(answer, &name));
        rows.push((name, row));
    }
    say!("{}", table::sweep(&arguments.network, &rows));
    let well = answers.iter().any(|answer| answer["fits"] == true);
    Ok(Answer { json: json!({ "ok": well, "network": arguments.network, "sweep": answers }), well })
}

fn named(mut answer: Value, place: &str) -> Value {
    answer["place"] = place.into();
    answer
}

/// What is too small, in words: "RAM".
fn shortage(problems: &[Problem]) -> String {
    let said = |what: &str| problems.iter().any(|problem| problem.message.contains(what));
    let small: Vec<&str> = ["RAM", "flash"].into_iter().filter(|what| said(what)).collect();
    if small.is_empty() { "does not fit".to_string() } else { format!("too little {}", small.join(" and ")) }
}

/// "rp2350", or "512 KiB + 64 KiB": flash and RAM.
fn place(text: &str) -> Result<Place, Problem> {
    let name = text.trim().to_string();
    let Some((flash, ram)) = text.split_once('+') else {
        let chip = chips::find(&name).map_err(|problem| {
            let help = "a chip of `cargo mixq chips`, or flash and RAM: \"512 KiB + 64 KiB\"";
            Problem { help: Some(problem.help.unwrap_or(help.to_string())), ..problem }
        })?;
        return Ok(Place { name, chip: Some(chip), flash: chip.flash, ram: chip.ram });
    };
    let size = |text: &str| {
        let wrong = |reason| Problem::new(format!("`{name}`: {reason}")).help(size::ACCEPTED);
        size::parse(text.trim()).map_err(wrong)
    };
    Ok(Place { chip: None, flash: size(flash)?, ram: size(ram)?, name: name.clone() })
}
