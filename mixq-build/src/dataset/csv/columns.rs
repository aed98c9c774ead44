//! Which columns are targets where the task has several, or Cargo.toml names them.

use ::csv::ByteRecord;

use super::header::{Header, Reason, is_number};
use crate::dataset::parts::Wanted;
use crate::text::enumerate;

/// The keys of the dataset's table that may name the columns of targets.
pub(in crate::dataset) fn target_keys(wanted: &Wanted<'_>) -> &'static str {
    if wanted.rules().takes_vectors() { "`targets`" } else { "`labels` or `targets`" }
}

/// The columns that `targets` in the dataset's table names; the first row is a header.
pub(super) fn named(first: &ByteRecord, named: &[String], wanted: &Wanted<'_>) -> Result<Header, Reason> {
    let names: Vec<String> = first.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
    let quoted =
        |names: &[String]| enumerate(&names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>());
    if names.iter().all(|name| is_number(name.as_bytes())) {
        let keys = target_keys(wanted);
        let said = format!("it has numbers only, but {keys} names the columns {}", quoted(named));
        return Err((
            said,
            "put a header above it, or leave the key out: the last columns count".to_string(),
        ));
    }
    let place = |name: &String| names.iter().position(|found| found == name);
    let missing: Vec<String> = named.iter().filter(|name| place(name).is_none()).cloned().collect();
    if !missing.is_empty() {
        let said = format!("no column has the name {}, as {} says", quoted(&missing), target_keys(wanted));
        return Err((said, format!("the columns are {}", quoted(&names))));
    }
    let allowed = wanted.rules().columns(wanted.outputs);
    if !allowed.contains(&named.len()) {
        let said = format!(
            "`targets` names {} columns, but a {} network of {} outputs has {}",
            named.len(),
            wanted.config.task.name(),
            wanted.outputs,
            allowed.end()
        );
        return Err((said, "name a column for each target, in the order of the outputs".to_string()));
    }
    let has_names = wanted.rules().takes_vectors();
    Ok(Header {
        is_there: true,
        targets: named.iter().filter_map(place).collect(),
        names: has_names.then(|| named.to_vec()),
        is_named: true,
        note: None,
    })
}

/// The last columns. The first row is a header if most of its fields are names, or if it counts the pixels
/// and names the targets.
pub(super) fn last(first: &ByteRecord, wanted: &Wanted<'_>) -> Header {
    let elements = wanted.shape.elements();
    let allowed = wanted.rules().columns(wanted.outputs);
    let found = first.len().saturating_sub(elements).clamp(*allowed.start(), *allowed.end());
    let targets: Vec<usize> = (elements..elements + found).collect();
    let words = first.iter().filter(|field| !is_number(field)).count();
    // A slip in a target of an image must not pass for a header: its row is reported as wrong.
    let is_there = words > first.len() / 2 || is_name(first, &targets) && counts(first, elements);
    let name = |column: &usize| Some(String::from_utf8_lossy(first.get(*column)?).into_owned());
    let names = targets.iter().map(name).collect::<Option<Vec<String>>>();
    let names = names.filter(|_| is_there && wanted.rules().takes_vectors());
    Header { is_there, names, targets, is_named: true, note: None }
}

/// Pixels alone: there are no targets. The first row is a header if most of its fields are names.
pub(super) fn none(first: &ByteRecord) -> Header {
    let words = first.iter().filter(|field| !is_number(field)).count();
    let is_there = words > first.len() / 2;
    Header { is_there, names: None, targets: Vec::new(), is_named: true, note: None }
}

/// Whether the names of the pixels count them, from 0 or 1.
fn counts(first: &ByteRecord, elements: usize) -> bool {
    let from = |start: usize| {
        let mut pixels = first.iter().take(elements).enumerate();
        pixels.all(|(index, name)| *name == *(start + index).to_string().as_bytes())
    };
    from(0) || from(1)
}

/// Whether all targets of a row are names.
fn is_name(first: &ByteRecord, targets: &[usize]) -> bool {
    let is_word = |field: &[u8]| !field.is_empty() && !is_number(field);
    !targets.is_empty() && targets.iter().all(|column| first.get(*column).is_some_and(is_word))
}

/// That a row has another number of columns than pixels and targets.
pub(super) fn unfit(found: usize, targets: &[usize], wanted: &Wanted<'_>) -> String {
    let (shape, elements) = (wanted.shape, wanted.shape.elements());
    let target = match targets.len() {
        0 => "no target".to_string(),
        _ if !wanted.rules().takes_vectors() => "label".to_string(),
        1 => "1 target".to_string(),
        count => format!("{count} targets"),
    };
    let index = if found == elements + targets.len() + 1 {
        "; is the first one an index? pandas leaves it out with `index=False`"
    } else {
        ""
    };
    format!(
        "found {found} columns = {} pixels + {target}, but the network wants images of {shape} = {elements} \
         pixels{index}",
        found.saturating_sub(targets.len()),
    )
}
