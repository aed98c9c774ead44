//! What a network is trained for, and what its outputs answer.

/// What the outputs of a network mean. A later task is one more variant here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "file", serde(rename_all = "kebab-case"))]
pub enum Task {
    /// One output (logit) for each class; the largest one names the class of the image.
    #[default]
    Classification,
}

impl Task {
    /// Every task by its name, as Cargo.toml and artifacts have it.
    pub const CHOICES: [(&str, Task); 1] = [("classification", Task::Classification)];

    /// Whether it is the task of a model that names none.
    pub fn is_default(&self) -> bool {
        *self == Task::default()
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Task::Classification => "classification",
        }
    }
}

/// The index of the largest output, the first of equal ones: the class that a classifier answers. 0 if there
/// are none.
#[inline]
pub fn argmax(outputs: &[i32]) -> usize {
    let mut best = 0;
    for (index, output) in outputs.iter().enumerate() {
        if *output > outputs[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::argmax;

    #[test]
    fn the_first_of_the_largest_outputs_is_the_answer() {
        assert_eq!([&[1, 3, 3][..], &[-5, -7, -5], &[i32::MIN, i32::MIN + 1], &[]].map(argmax), [1, 0, 1, 0]);
    }
}
