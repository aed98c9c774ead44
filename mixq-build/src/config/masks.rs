//! What stands for the classes in the masks of a dataset.

use crate::error::Problem;
use crate::toml::Entry;

/// An array of bytes, none of them twice.
pub(super) fn values(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<Vec<u8>> {
    let wanted = "an array of the values in masks that stand for the classes, each 0 to 255";
    let values: Option<Vec<u8>> = entry.as_array().and_then(|array| {
        array.iter().map(|value| value.as_integer().and_then(|value| u8::try_from(value).ok())).collect()
    });
    let Some(values) = values else {
        problems.push(entry.wrong_value(wanted));
        return None;
    };
    let named = |value: &u8| format!("the value {value}");
    once(entry, values, named, problems)
}

/// An array of colours, none of them twice.
pub(super) fn colours(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<Vec<[u8; 3]>> {
    let colour = |sides: Vec<i64>| -> Option<[u8; 3]> {
        let bytes = sides.into_iter().map(|side| u8::try_from(side).ok());
        bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
    };
    let lists = entry.as_integer_lists();
    let colours = lists.and_then(|lists| lists.into_iter().map(colour).collect::<Option<Vec<_>>>());
    let Some(colours) = colours else {
        let wanted = "an array of the colours in masks that stand for the classes, each [red, green, blue] \
                      of 0 to 255";
        problems.push(entry.wrong_value(wanted));
        return None;
    };
    once(entry, colours, |colour: &[u8; 3]| format!("the colour {colour:?}"), problems)
}

/// All of them, if none is there twice.
fn once<T: PartialEq>(
    entry: &Entry<'_>,
    all: Vec<T>,
    named: impl Fn(&T) -> String,
    problems: &mut Vec<Problem>,
) -> Option<Vec<T>> {
    match all.iter().enumerate().find(|(at, one)| all[..*at].contains(one)) {
        Some((_, twice)) => {
            problems.push(entry.problem(format_args!("names {} twice", named(twice))));
            None
        }
        None => Some(all),
    }
}
