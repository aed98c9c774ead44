//! What several tests need.
#![allow(dead_code, reason = "each test uses its own part")]

pub mod graphs;
pub mod package;
pub mod reference;
pub mod trained;
