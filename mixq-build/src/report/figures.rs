//! How good a network is in detail: for people as text, for programs as JSON.

use std::fmt::Write;

use mixq_format::Figures;
use serde_json::{Value, json};

/// A line for each output; `labels` are their names.
pub fn text(figures: &Figures, labels: &[String]) -> String {
    let mut text = String::new();
    match figures {
        Figures::Regression(outputs) => {
            let _ = writeln!(text, "{:<16}{:>9}{:>14}", "value", "R^2", "mean error");
            for (label, output) in labels.iter().zip(outputs) {
                let _ = writeln!(text, "{label:<16}{:>9.4}{:>14.6}", output.r2, output.mean_absolute_error);
            }
        }
    }
    text
}

/// The same with names.
pub fn json(figures: &Figures, labels: &[String]) -> Value {
    match figures {
        Figures::Regression(outputs) => {
            let output = labels.iter().zip(outputs).map(|(label, output)| {
                json!({
                    "output": label,
                    "r2": output.r2,
                    "mean_absolute_error": output.mean_absolute_error,
                    "least": output.least,
                    "largest": output.largest,
                })
            });
            json!({ "outputs": output.collect::<Vec<_>>() })
        }
    }
}
