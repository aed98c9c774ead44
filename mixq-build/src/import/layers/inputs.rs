//! What a network reads: `input`, or `inputs` by their names.

use crate::error::Problem;
use crate::graph::{IMAGE, InputSpec, Shape};
use crate::toml::{Entry, Table};

use super::keys::{Keys, SIZES};

/// The inputs in the order in which they are written; `input` is the first one. `None` after a problem.
pub(super) fn read(root: &Table<'_>, problems: &mut Vec<Problem>) -> Option<Vec<InputSpec>> {
    let before = problems.len();
    let mut inputs = Vec::new();
    if let Some([height, width, channels]) = (Keys { table: root, problems }).shape("input") {
        let location = root.get("input").map(|entry| entry.value_location());
        let shape = Shape { height, width, channels };
        inputs.push(InputSpec { name: IMAGE.to_string(), shape, location });
    }
    if let Some(entry) = root.get("inputs") {
        let table = entry.table(problems);
        if table.as_ref().is_some_and(|table| table.entries().next().is_none()) {
            problems.push(entry.problem("names no input").help("add name = [height, width, channels]"));
        }
        for entry in table.iter().flat_map(Table::entries) {
            inputs.extend(named(&entry, problems));
        }
    }
    if !root.contains("input") && !root.contains("inputs") {
        let problem = Problem::new("the network has no `input`").at(root.location());
        problems.push(problem.help("add input = [height, width, channels]"));
    }
    (problems.len() == before).then_some(inputs)
}

/// The entry that says how an input was normalised: beside its shape, or before the layers where it is the
/// only one or the one that is called "image". A normalisation of no input is a problem.
pub(super) fn normalisations<'a>(
    root: &Table<'a>,
    inputs: &[InputSpec],
    problems: &mut Vec<Problem>,
) -> Vec<Option<Entry<'a>>> {
    let tables = root.get("inputs").and_then(|entry| entry.table(&mut Vec::new()));
    let own = |input: &InputSpec| {
        let entry = tables.as_ref()?.get(&input.name).filter(Entry::is_table)?;
        entry.table(&mut Vec::new())?.get("normalisation")
    };
    let mut found: Vec<Option<Entry<'a>>> = inputs.iter().map(own).collect();
    let Some(entry) = root.get("normalisation") else { return found };
    match inputs {
        [only] if found[0].is_some() => {
            let message = format!("stands beside one in the table of the input `{}`", only.name);
            problems.push(entry.problem(message).help("both say the same: leave one out"));
        }
        [_] => found[0] = Some(entry),
        _ if root.contains("input") => found[0] = Some(entry),
        _ => {
            let help = "write it in the table of its input: NAME = { shape = [...], normalisation = { mean, \
                        std } }";
            problems.push(entry.problem("does not say which of several inputs it is about").help(help));
        }
    }
    found
}

/// `name = [height, width, channels]`, or a table with that as `shape`.
fn named(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<InputSpec> {
    let (name, location) = (entry.name.to_string(), Some(entry.key_location()));
    let sides = if entry.is_table() {
        let table = entry.table(problems)?;
        table.allow_in("an input", &["shape", "normalisation"], problems);
        if !table.contains("shape") {
            problems.push(entry.problem("has no `shape`").help("add shape = [height, width, channels]"));
        }
        Keys { table: &table, problems }.shape("shape")
    } else {
        let sides = entry.as_sizes(&SIZES);
        if sides.is_none() {
            problems.push(entry.wrong_value("[height, width, channels], each 1 to 65,535"));
        }
        sides
    };
    let [height, width, channels] = sides?;
    Some(InputSpec { name, shape: Shape { height, width, channels }, location })
}
