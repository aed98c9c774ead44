//! What a network is trained for.

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
