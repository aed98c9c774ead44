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
    let is_read = problems.len() == before;
    several(root, &inputs, problems);
    is_read.then_some(inputs)
}

/// `name = [height, width, channels]`, or a table with that as `shape`.
fn named(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<InputSpec> {
    let (name, location) = (entry.name.to_string(), Some(entry.key_location()));
    let sides = if entry.is_table() {
        let table = entry.table(problems)?;
        table.allow_in("an input", &["shape"], problems);
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

/// Trained weights come with the normalisation of one image.
fn several(root: &Table<'_>, inputs: &[InputSpec], problems: &mut Vec<Problem>) {
    if inputs.len() < 2 {
        return;
    }
    for entry in ["weights", "normalisation"].into_iter().filter_map(|key| root.get(key)) {
        let problem = entry.problem("is for a network with one input");
        problems.push(problem.help("leave it out: a network with several inputs is trained from the start"));
    }
}
