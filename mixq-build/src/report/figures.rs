//! How good a network is in detail: for people as text, for programs as JSON.

use std::fmt::Write;

use mixq_format::{ErrorFigures, Figures, LabelFigures, PixelFigures, ValueFigures};
use serde_json::{Value, json};

use super::confusion::Confusion;
use super::units::short;
use crate::size::thousands;

/// A line for each output; `labels` are their names.
pub fn text(figures: &Figures, labels: &[String]) -> String {
    let mut text = String::new();
    let width = labels.iter().map(|label| label.chars().count() + 2).max().unwrap_or(0).max(16);
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    match figures {
        Figures::Classification(counts) => text = Confusion::new(counts, labels).text(),
        Figures::MultiLabel(outputs) => {
            let _ = writeln!(
                text,
                "{:<width$}{:>11}{:>11}{:>11}{:>11}{:>8}",
                "label", "precision", "recall", "F1", "average", "images"
            );
            for (label, output) in labels.iter().zip(outputs) {
                let shares = [output.precision(), output.recall(), output.f1(), output.average_precision];
                let [precision, recall, f1, average] = shares.map(percent);
                let images = output.images;
                let _ = writeln!(
                    text,
                    "{label:<width$}{precision:>11}{recall:>11}{f1:>11}{average:>11}{images:>8}"
                );
            }
        }
        Figures::Regression(outputs) => {
            let _ = writeln!(text, "{:<width$}{:>9}{:>14}  targets", "value", "R^2", "mean error");
            for (label, output) in labels.iter().zip(outputs) {
                let ValueFigures { r2, mean_absolute_error, least, largest } = output;
                let [error, least, largest] =
                    [mean_absolute_error, least, largest].map(|value| short(*value));
                let _ = writeln!(text, "{label:<width$}{r2:>9.4}{error:>14}  {least} to {largest}");
            }
        }
        Figures::Dense(classes) => {
            let accuracy = percent(PixelFigures::accuracy(classes));
            let _ = writeln!(
                text,
                "{accuracy} of all pixels are right\n{:<width$}{:>11}{:>12}",
                "class", "IoU", "pixels"
            );
            for (label, class) in labels.iter().zip(classes) {
                let iou = class.iou().map_or("-".to_string(), percent);
                let _ = writeln!(text, "{label:<width$}{iou:>11}{:>12}", thousands(class.pixels));
            }
        }
        Figures::Reconstruction(figures) => {
            let ErrorFigures { mean_squared_error, normal, false_alarms, abnormal, found, auc } = figures;
            let _ = writeln!(text, "mean squared error {mean_squared_error:.5}");
            let _ =
                writeln!(text, "over the threshold {false_alarms} of {normal} images that are not abnormal");
            if *abnormal > 0 {
                let _ = writeln!(text, "over the threshold {found} of {abnormal} abnormal images");
            }
            if let Some(auc) = auc {
                let _ = writeln!(text, "AUC {auc:.4}");
            }
        }
    }
    text
}

/// The same with names.
pub fn json(figures: &Figures, labels: &[String]) -> Value {
    match figures {
        Figures::Classification(counts) => Confusion::new(counts, labels).json(),
        Figures::MultiLabel(outputs) => {
            let output = |(label, output): (&String, &LabelFigures)| {
                json!({
                    "label": label,
                    "precision": output.precision(),
                    "recall": output.recall(),
                    "f1": output.f1(),
                    "average_precision": output.average_precision,
                    "images": output.images,
                })
            };
            json!({ "labels": labels.iter().zip(outputs).map(output).collect::<Vec<_>>() })
        }
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
        Figures::Dense(classes) => {
            let class = |(label, class): (&String, &PixelFigures)| {
                json!({
                    "class": label,
                    "iou": class.iou(),
                    "pixels": class.pixels,
                    "answers": class.answers,
                    "right": class.right,
                })
            };
            json!({
                "pixel_accuracy": PixelFigures::accuracy(classes),
                "mean_iou": PixelFigures::mean_iou(classes),
                "classes": labels.iter().zip(classes).map(class).collect::<Vec<_>>(),
            })
        }
        Figures::Reconstruction(figures) => json!({
            "mean_squared_error": figures.mean_squared_error,
            "normal": figures.normal,
            "false_alarms": figures.false_alarms,
            "abnormal": figures.abnormal,
            "found": figures.found,
            "auc": figures.auc,
        }),
    }
}
