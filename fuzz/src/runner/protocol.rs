//! What the process of a target says on its standard output, a line of JSON each.

use serde::{Deserialize, Serialize};

/// Which case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Case {
    /// A file of the corpus, by its name and its place in the order of names.
    Kept(String, usize),
    /// Made from this seed.
    Seed(u64),
}

/// For people.
impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Case::Kept(name, _) => write!(f, "corpus file {name}"),
            Case::Seed(seed) => write!(f, "seed {seed}"),
        }
    }
}

/// How a case went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is valid.
    Accepted,
    /// It is not, and a message says why.
    Refused,
    /// A panic, with its place.
    Failed(String),
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    /// This case begins.
    Begin {
        /// Which.
        case: Case,
        /// Microseconds that this process has computed until now.
        computed: u64,
    },
    /// It went so.
    End {
        /// How.
        outcome: Outcome,
        /// Microseconds that it took.
        micros: u64,
        /// Microseconds that this process has computed until now.
        computed: u64,
        /// The most bytes that this process has had at a time until now.
        peak: u64,
    },
}
