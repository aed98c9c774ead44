//! Valid inputs, and inputs that are wrong on purpose, from which cases are made.

pub mod arrays;
pub mod images;
pub mod networks;
pub mod tables;
pub mod tree;
pub mod zip;

pub use tree::{Kind, Member, Tree};
