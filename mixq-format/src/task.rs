//! What a network is trained for, and what its outputs answer.

/// What the outputs of a network mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "file", serde(rename_all = "kebab-case"))]
pub enum Task {
    /// One output (logit) for each class; the largest one names the class of the image.
    #[default]
    Classification,
    /// One output (logit) for each label, of which an image may have any number.
    MultiLabel,
    /// One output for each quantity that is predicted.
    Regression,
    /// One output for each element of the image, which the network is to make again: the error tells images
    /// that are not like those that it was trained with.
    Reconstruction,
    /// One output (logit) for each pixel of a grid and each class: the largest one of a pixel names its
    /// class.
    Dense,
}

impl Task {
    /// Every task by its name, as Cargo.toml and artifacts have it.
    pub const CHOICES: [(&str, Task); 5] = [
        ("classification", Task::Classification),
        ("multi-label", Task::MultiLabel),
        ("regression", Task::Regression),
        ("reconstruction", Task::Reconstruction),
        ("dense", Task::Dense),
    ];

    /// Whether it is the task of a model that names none.
    pub fn is_default(&self) -> bool {
        *self == Task::default()
    }

    /// The number of names that outputs have, of as many a pixel: of a reconstruction none.
    pub const fn labels(self, outputs: usize) -> usize {
        match self {
            Task::Classification | Task::MultiLabel | Task::Regression | Task::Dense => outputs,
            Task::Reconstruction => 0,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Task::Classification => "classification",
            Task::MultiLabel => "multi-label",
            Task::Regression => "regression",
            Task::Reconstruction => "reconstruction",
            Task::Dense => "dense",
        }
    }
}

/// The index of the largest output, the first of equal ones: the class that a classifier answers. 0 if there
/// are none. Codes of one scale are compared as logits are.
#[inline]
pub fn argmax<T: Copy + PartialOrd>(outputs: &[T]) -> usize {
    let mut best = 0;
    for (index, output) in outputs.iter().enumerate() {
        if *output > outputs[best] {
            best = index;
        }
    }
    best
}

/// The integer nearest to a number, halves away from 0; the least or the largest one if it is beyond 32 bits,
/// 0 if it is not a number. For constants: it takes no instruction of the device.
pub const fn nearest(number: f64) -> i32 {
    if number < 0.0 { (number - 0.5) as i32 } else { (number + 0.5) as i32 }
}

#[cfg(test)]
mod tests {
    use super::{argmax, nearest};

    #[test]
    fn numbers_become_the_nearest_integers() {
        const LIMIT: i32 = nearest(2.5);
        assert_eq!(LIMIT, 3);
        assert_eq!([-2.5, -2.4, 0.49, 1e12, -1e12].map(nearest), [-3, -2, 0, i32::MAX, i32::MIN]);
        assert_eq!(nearest(f64::NAN), 0);
    }

    #[test]
    fn the_first_of_the_largest_outputs_is_the_answer() {
        assert_eq!([&[1, 3, 3][..], &[-5, -7, -5], &[i32::MIN, i32::MIN + 1], &[]].map(argmax), [1, 0, 1, 0]);
    }
}
