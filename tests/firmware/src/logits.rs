//! Outputs as the tests read them.

use core::fmt::Display;

use semihosting::{print, println};

/// `x8w4: 12,-7,30`.
pub fn print<T: Display>(model: &str, outputs: &[T]) {
    let mut line = Line::new(model);
    line.add(outputs);
    line.end();
}

/// A line with the name of a network, and a list.
pub struct Line {
    is_empty: bool,
}

impl Line {
    /// Begins one.
    pub fn new(model: &str) -> Line {
        print!("{model}: ");
        Line { is_empty: true }
    }

    /// Appends to the list.
    pub fn add<T: Display>(&mut self, outputs: &[T]) {
        for output in outputs {
            print!("{}{output}", if self.is_empty { "" } else { "," });
            self.is_empty = false;
        }
    }

    /// Ends the line.
    pub fn end(self) {
        println!();
    }
}
