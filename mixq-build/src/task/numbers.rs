//! Columns of numbers of a CSV file.

use super::{Column, Columns, Places, Targets, Wrong};
use crate::text::{SHOWN, show};

/// What a number must be.
#[derive(Clone, Copy)]
pub(super) struct Demand {
    /// Whether a finite number is right.
    pub allows: fn(f64) -> bool,
    /// What it must be, as messages say it.
    pub what: &'static str,
    /// Makes a target of the numbers of a row.
    pub target: fn(&[f64]) -> Vec<u8>,
}

/// The columns as they are read.
pub(super) struct Numbers {
    places: Places,
    demand: Demand,
    targets: Targets,
    /// The first wrong rows, with reasons.
    wrong: Vec<(usize, String)>,
    /// The number of all wrong rows.
    count: usize,
}

impl Numbers {
    /// None yet.
    pub fn new(places: Places, demand: Demand) -> Numbers {
        Numbers { places, demand, targets: Targets::default(), wrong: Vec::new(), count: 0 }
    }

    /// `column 3`, or `column 3 (height)`.
    fn column(&self, index: usize) -> String {
        let column = self.places.columns[index];
        match self.places.names.as_ref().and_then(|names| names.get(index)) {
            Some(name) => format!("column {column} ({})", show(name.as_bytes())),
            None => format!("column {column}"),
        }
    }

    /// The number of a field, or what is wrong with it.
    fn number(&self, index: usize, field: &[u8]) -> Result<f64, String> {
        let number = std::str::from_utf8(field).ok().and_then(|text| text.parse::<f64>().ok());
        number.filter(|number| number.is_finite() && (self.demand.allows)(*number)).ok_or_else(|| {
            format!("{}: target `{}` is not {}", self.column(index), show(field), self.demand.what)
        })
    }
}

impl Column for Numbers {
    fn push(&mut self, row: usize, fields: &[&[u8]]) {
        let numbers: Result<Vec<f64>, String> =
            fields.iter().enumerate().map(|(index, field)| self.number(index, field)).collect();
        match numbers {
            Ok(numbers) => self.targets.push(&(self.demand.target)(&numbers)),
            Err(reason) => {
                self.count += 1;
                if self.wrong.len() < SHOWN {
                    self.wrong.push((row, reason));
                }
            }
        }
    }

    fn targets(&self, _outputs: usize, _labels: &[String]) -> Result<Columns, Wrong> {
        if self.count > 0 {
            return Err((self.wrong.clone(), self.count));
        }
        Ok((self.targets.clone(), self.places.names.clone()))
    }

    /// Numbers look like any other column.
    fn doubt(&self, _pixels: &[u8], _elements: usize, _outputs: usize) -> Option<String> {
        None
    }
}
