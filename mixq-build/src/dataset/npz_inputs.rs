//! NPZ with an array for each input of a network, by its name.

use std::collections::BTreeMap;

use super::files::pixels::Changes;
use super::npy::Array;
use super::parts::{Parts, Values, Wanted};
use super::{Split, check, npz, npz_samples};
use crate::error::{Error, Problem};
use crate::graph::Input;
use crate::observer::Observer;
use crate::text::enumerate;

/// How the arrays of a part are called: what stands before and after the name of an input, and the array of
/// targets.
#[derive(Clone, Copy)]
struct Form {
    before: &'static str,
    after: &'static str,
    targets: &'static str,
}

/// The arrays to train with, and those to measure with if there is a part for that.
const FORMS: [(Form, Option<Form>); 4] = [
    (form("", "_train", "y_train"), Some(form("", "_test", "y_test"))),
    (form("train_", "", "train_labels"), Some(form("test_", "", "test_labels"))),
    (form("", "", "y"), None),
    (form("", "", "labels"), None),
];

const fn form(before: &'static str, after: &'static str, targets: &'static str) -> Form {
    Form { before, after, targets }
}

/// The arrays of a part: one for each input, and that of targets.
struct Names {
    inputs: Vec<String>,
    targets: &'static str,
}

impl Names {
    fn new(wanted: &Wanted<'_>, Form { before, after, targets }: Form) -> Names {
        let name = |input: &Input| {
            let named = wanted.config.inputs.get(&input.name).and_then(|named| named.array.as_ref());
            format!("{before}{}{after}", named.unwrap_or(&input.name))
        };
        Names { inputs: wanted.inputs.iter().map(name).collect(), targets }
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().map(String::as_str).chain([self.targets])
    }

    /// The names that the file lacks.
    fn missing(&self, wanted: &Wanted<'_>, arrays: &Arrays) -> Vec<&str> {
        let is_optional = wanted.may_lack_targets();
        let may_lack = |name: &str| is_optional && name == self.targets;
        self.all().filter(|name| !arrays.contains_key(*name) && !may_lack(name)).collect()
    }
}

type Arrays = BTreeMap<String, Array>;

/// Reads a file.
pub(super) fn read(wanted: &Wanted<'_>, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let path = wanted.config.path.display();
    check::keys(wanted, "NPZ", &[])?;
    let arrays = npz::arrays(&wanted.config.path, observer)?;
    let forms = FORMS.map(|(train, test)| (Names::new(wanted, train), test.map(|f| Names::new(wanted, f))));
    let is_whole = |names: &Names| names.missing(wanted, &arrays).is_empty();
    // What is called a test part may be measured with, or be all that `test` takes a part from.
    let is_divided = wanted.config.test.is_some();
    let is_enough =
        |test: &Option<Names>| (wanted.model.is_some() || is_divided) && test.as_ref().is_some_and(is_whole);
    let Some((train, test)) = forms.iter().find(|(train, test)| is_whole(train) || is_enough(test)) else {
        let has_test = forms.iter().any(|(_, test)| test.as_ref().is_some_and(is_whole));
        let problem = missing(wanted, &arrays, &forms);
        return Err(if has_test { problem.help(check::ONLY_TEST) } else { problem }.into());
    };
    let nothing = None;
    let (train, test) = match test {
        Some(test) if is_divided && !is_whole(train) => (test, &nothing),
        _ => (train, test),
    };
    let used: Vec<&str> = train.all().chain(test.iter().flat_map(Names::all)).collect();
    let unused: Vec<&String> = arrays.keys().filter(|name| !used.contains(&&name[..])).collect();
    if !unused.is_empty() {
        observer.warn(&format!("{path}: not used are {}", enumerate(&unused)));
    }
    let test = match test {
        Some(test) if is_whole(test) => Some(test),
        Some(test) => match test.inputs.iter().find(|name| arrays.contains_key(*name)) {
            Some(there) => {
                let lacks = enumerate(&test.missing(wanted, &arrays));
                return Err(Problem::new(format!("{path} has {there}, but no {lacks}")).into());
            }
            None => None,
        },
        None => None,
    };
    if test.is_some()
        && let Some(problem) = check::own_test_part(wanted.config)
    {
        return Err(problem.into());
    }
    let values: Vec<Values> = (wanted.inputs.iter().enumerate())
        .map(|(index, input)| {
            let config = wanted.config_of(&input.name);
            let names = [Some(train), test].into_iter().flatten();
            let both = names.filter_map(|names| arrays.get(&names.inputs[index]));
            npz_samples::values(&wanted.of(input, &config), both)
        })
        .collect();
    let mut changes = Changes::default();
    let mut part = |names: &Names| part(wanted, &arrays, names, &values, &mut changes);
    let tested = test.map(&mut part).transpose()?;
    let names = train;
    let train = if is_whole(train) { part(train)? } else { Split::default() };
    changes.warn(wanted, observer);
    let has = |names: &Names| arrays.contains_key(names.targets);
    let unlabelled =
        [wanted.is_unlabelled(has(names)), test.is_some_and(|test| wanted.is_unlabelled(has(test)))];
    Ok(Parts { train, test: tested, values, unlabelled, ..Parts::default() })
}

/// The images of a part, each with its inputs one after the other.
fn part(
    wanted: &Wanted<'_>,
    arrays: &Arrays,
    names: &Names,
    values: &[Values],
    changes: &mut Changes,
) -> Result<Split, Error> {
    let (mut splits, mut problems) = (Vec::new(), Vec::new());
    for ((input, name), values) in wanted.inputs.iter().zip(&names.inputs).zip(values) {
        let config = wanted.config_of(&input.name);
        match npz::part(&wanted.of(input, &config), arrays, (name, names.targets), *values, changes) {
            Ok(split) => splits.push(split),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let targets = splits[0].targets.clone();
    if splits.len() == 1 {
        return Ok(splits.remove(0));
    }
    let sides: usize = splits.iter().map(|split| split.pixels.len()).sum();
    let mut pixels = Vec::with_capacity(sides);
    for index in 0..targets.len() {
        splits.iter().for_each(|split| pixels.extend_from_slice(split.image(index)));
    }
    Ok(Split { pixels: pixels.into(), targets })
}

/// The error for a file that has the arrays of no form: what lacks to the form of which it has most.
fn missing(wanted: &Wanted<'_>, arrays: &Arrays, forms: &[(Names, Option<Names>)]) -> Problem {
    let path = wanted.config.path.display();
    let found: Vec<&String> = arrays.keys().collect();
    let found = if found.is_empty() { "no arrays".to_string() } else { enumerate(&found) };
    let train = |(train, _): &(Names, Option<Names>)| train.missing(wanted, arrays).len();
    let nearest = forms.iter().min_by_key(|forms| train(forms)).map(|(train, _)| train);
    let lacks = nearest.map_or(Vec::new(), |names| names.missing(wanted, arrays));
    let message = format!(
        "{path} has {found}, but no {}: the network reads {}",
        enumerate(&lacks),
        wanted.inputs.describe()
    );
    let known: Vec<String> =
        forms.iter().map(|(train, _)| enumerate(&train.all().collect::<Vec<_>>())).collect();
    Problem::new(message).help(format!(
        "arrays are called {}; `inputs.NAME = {{ array = \"...\" }}` in the dataset's table gives an input \
         another name there",
        known.join(", or ")
    ))
}
