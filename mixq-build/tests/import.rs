//! Networks of other tools, against what the engines of those tools answered.
#![cfg(all(feature = "import", feature = "datasets"))]

#[path = "import/damaged.rs"]
mod damaged;
#[path = "import/golden.rs"]
mod golden;
