//! The array of targets of an NPZ file.

use super::npy::Array;
use super::parts::Wanted;
use super::{mask_colours, mask_values};
use crate::error::Problem;
use crate::task::{self, Mask};

/// The targets of some images.
pub(super) struct Targets {
    /// The number of images.
    pub images: usize,
    values: Values,
}

/// What stands in the array.
enum Values {
    /// Nothing.
    None,
    /// A whole number for each image.
    Whole(Vec<u64>),
    /// A vector of this length for each.
    Vectors(usize, Vec<f64>),
    /// A mask of this height and width for each.
    Masks([usize; 2], Vec<u8>),
}

impl Targets {
    /// For images without an array of targets.
    pub fn none(images: usize) -> Targets {
        Targets { images, values: Values::None }
    }

    /// What the array `name` says, by what the task wants.
    pub fn of(wanted: &Wanted<'_>, name: &str, array: &Array) -> Result<Targets, Problem> {
        let path = wanted.config.path.display();
        let task = wanted.config.task.name();
        let wrong = |expected: &str| {
            Problem::new(format!("{path}: {name} is {array}, it must be {expected} for task = \"{task}\""))
        };
        let images = array.shape.first().copied().unwrap_or_default();
        if wanted.rules().takes_vectors() {
            let outputs = wanted.outputs;
            let expected = format!("numbers of shape [n, {outputs}]");
            let each = match array.shape[..] {
                [_] => 1,
                [_, each] => each,
                _ => return Err(wrong(&expected)),
            };
            if each != outputs {
                let help = format!("the network has {outputs} outputs, one for each target");
                return Err(wrong(&expected).help(help));
            }
            let values = array.numbers().ok_or_else(|| wrong(&expected))?;
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                let (row, column) = (at / each, at % each);
                let message = format!(
                    "{path}: {name} has {} at row {row}, column {column}, both counted from 0",
                    values[at]
                );
                return Err(Problem::new(message).help("a target is a finite number: remove the image"));
            }
            return Ok(Targets { images, values: Values::Vectors(each, values) });
        }
        if wanted.rules().takes_masks() {
            return Targets::masks(wanted, name, array);
        }
        if !matches!(array.shape[..], [_] | [_, 1]) {
            let help = match array.shape[..] {
                [_, each] if each == wanted.outputs => {
                    "of one-hot labels numpy.argmax(y, axis=1) is the classes; tasks that take a vector for \
                     each image are regression and multi-label"
                }
                [_, _, _, ..] => "masks of images are for task = \"dense\"",
                _ => "tasks that take a vector for each image are regression and multi-label",
            };
            return Err(wrong("whole numbers of shape [n] or [n, 1]").help(help));
        }
        let expected = "whole numbers, 0 or more, of shape [n] or [n, 1]";
        let Some(values) = array.whole_numbers() else {
            let numbers = array.numbers().unwrap_or_default();
            let is_wrong = |number: &f64| !(number.fract() == 0.0 && *number >= 0.0);
            let wrong = match numbers.iter().position(is_wrong) {
                Some(row) => {
                    let message = format!(
                        "{path}: {name} has {} at row {row}, counted from 0: a class is a whole number, 0 or \
                         more",
                        numbers[row]
                    );
                    return Err(Problem::new(message).help("quantities are for task = \"regression\""));
                }
                None => wrong(expected),
            };
            return Err(wrong.help(match array.is_text() {
                true => {
                    "numpy.unique(names, return_inverse=True)[1] numbers the names of classes; `labels` in \
                         the dataset's table names them again"
                }
                false => "save it with astype(\"int64\")",
            }));
        };
        Ok(Targets { images, values: Values::Whole(values) })
    }

    /// What an array of masks says.
    fn masks(wanted: &Wanted<'_>, name: &str, array: &Array) -> Result<Targets, Problem> {
        let wrong = || {
            let path = wanted.config.path.display();
            let message = format!(
                "{path}: {name} is {array}, it must be whole numbers, 0 to 255, of shape [n, height, width]"
            );
            Problem::new(message).help("it holds the class of each pixel; 255 is a pixel that does not count")
        };
        if let Some(listed) = &wanted.config.mask_colours {
            let ([images, height, width, 3], Some(colours)) = (&array.shape[..], array.bytes()) else {
                let path = wanted.config.path.display();
                let message = format!("{path}: {name} is {array}, but `mask-colours` is for masks in colour");
                let help = "these are bytes of shape [n, height, width, 3]; `mask-values` is for other masks";
                return Err(Problem::new(message).help(help));
            };
            let classes = colours.as_chunks().0.iter().map(|colour| mask_colours::class(listed, *colour));
            return Ok(Targets {
                images: *images,
                values: Values::Masks([*height, *width], classes.collect()),
            });
        }
        let ([images, height, width] | [images, height, width, 1]) = array.shape[..] else {
            return Err(match array.shape[..] {
                [_, _, _, classes] if classes == wanted.outputs => {
                    wrong().help("of one-hot masks numpy.argmax(y, axis=3) is the classes")
                }
                _ => wrong(),
            });
        };
        let classes = array
            .whole_numbers()
            .and_then(|classes| classes.into_iter().map(|c| u8::try_from(c).ok()).collect());
        let mut classes: Vec<u8> = classes.ok_or_else(wrong)?;
        let mut seen = [false; 256];
        classes.iter().for_each(|value| seen[usize::from(*value)] = true);
        let by_value = mask_values::classes(wanted, &seen);
        classes.iter_mut().for_each(|value| *value = by_value[usize::from(*value)]);
        Ok(Targets { images, values: Values::Masks([height, width], classes) })
    }

    /// Appends the target of an image, or says what is wrong with it.
    pub fn push(&self, wanted: &Wanted<'_>, index: usize, to: &mut task::Targets) -> Result<(), String> {
        let (rules, outputs) = (wanted.rules(), wanted.outputs);
        match &self.values {
            Values::None => wanted.push_none(to),
            Values::Whole(values) => rules.push_number(values[index], outputs, to),
            Values::Vectors(each, values) => rules.push_vector(&values[index * each..][..*each], outputs, to),
            Values::Masks([height, width], classes) => {
                let classes = &classes[index * height * width..][..height * width];
                let mask = Mask { height: *height, width: *width, classes };
                rules.push_mask(&mask, wanted.grid, outputs, to)
            }
        }
    }
}
