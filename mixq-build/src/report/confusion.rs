//! Which classes a network takes for which.

use std::fmt::Write;

use serde_json::{Value, json};

/// The most classes that are shown to people, and with their confusion matrix.
const SHOWN: usize = 20;

/// The confusion matrix of a classification.
pub(super) struct Confusion<'a> {
    labels: &'a [String],
    /// Class, answer and number of images, for each pair that occurs.
    counts: &'a [[u32; 3]],
}

/// The figures of a class.
struct Class {
    /// Test images of it.
    images: u64,
    /// Images that are taken for it.
    answers: u64,
    /// Images of it that are.
    right: u64,
}

impl Class {
    /// Share of the answers that are right; `None` without answers.
    fn precision(&self) -> Option<f64> {
        (self.answers > 0).then(|| self.right as f64 / self.answers as f64)
    }

    /// Share of the images that are found; `None` without images.
    fn recall(&self) -> Option<f64> {
        (self.images > 0).then(|| self.right as f64 / self.images as f64)
    }
}

impl<'a> Confusion<'a> {
    /// Of the classes with these names.
    pub fn new(counts: &'a [[u32; 3]], labels: &'a [String]) -> Confusion<'a> {
        Confusion { labels, counts }
    }

    fn class(&self, class: usize) -> Class {
        let sum = |is: &dyn Fn(usize, usize) -> bool| {
            let counts = self.counts.iter().filter(|[from, to, _]| is(*from as usize, *to as usize));
            counts.map(|[_, _, count]| u64::from(*count)).sum()
        };
        Class {
            images: sum(&|from, _| from == class),
            answers: sum(&|_, to| to == class),
            right: sum(&|from, to| from == class && to == class),
        }
    }

    /// A line for each class; and the matrix, if it is not too wide.
    pub fn text(&self) -> String {
        let percent = |share: Option<f64>| share.map_or("-".to_string(), |s| format!("{:.2} %", 100.0 * s));
        let width = self.labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(5) + 2;
        let mut text = format!("{:<width$}{:>11}{:>11}{:>8}", "class", "precision", "recall", "images");
        let is_shown = self.labels.len() <= SHOWN;
        if is_shown {
            text += "  taken for each class";
        }
        text.push('\n');
        let digits = self.counts.iter().map(|[_, _, count]| count.to_string().len()).max().unwrap_or(1) + 1;
        for (class, figures) in self.shown() {
            let label = &self.labels[class];
            let (precision, recall) = (percent(figures.precision()), percent(figures.recall()));
            let _ = write!(text, "{label:<width$}{precision:>11}{recall:>11}{:>8} ", figures.images);
            if is_shown {
                let row = self.row(class);
                row.iter().for_each(|count| text += &format!("{count:>digits$}"));
            }
            text.push('\n');
        }
        let hidden = self.labels.len().saturating_sub(SHOWN);
        if hidden > 0 {
            let _ = writeln!(text, "and {hidden} classes of which no smaller share is found");
        }
        text
    }

    /// The classes that are shown: all, or those of which the least share is found.
    fn shown(&self) -> Vec<(usize, Class)> {
        let mut classes: Vec<(usize, Class)> =
            (0..self.labels.len()).map(|class| (class, self.class(class))).collect();
        if classes.len() > SHOWN {
            let recall = |class: &Class| class.recall().unwrap_or(1.0);
            classes.sort_by(|a, b| recall(&a.1).total_cmp(&recall(&b.1)));
            classes.truncate(SHOWN);
        }
        classes
    }

    /// Images of a class by the answer.
    fn row(&self, class: usize) -> Vec<u32> {
        let mut row = vec![0; self.labels.len()];
        for [from, to, count] in self.counts {
            if *from as usize == class
                && let Some(place) = row.get_mut(*to as usize)
            {
                *place = *count;
            }
        }
        row
    }

    /// Precision and recall of each class, `null` where there is none; rows of the matrix are classes,
    /// columns are answers.
    pub fn json(&self) -> Value {
        let class = |(class, label): (usize, &String)| {
            let figures = self.class(class);
            json!({
                "class": label,
                "precision": figures.precision(),
                "recall": figures.recall(),
                "images": figures.images,
            })
        };
        let matrix: Vec<Vec<u32>> = (0..self.labels.len()).map(|class| self.row(class)).collect();
        json!({
            "classes": self.labels.iter().enumerate().map(class).collect::<Vec<_>>(),
            "confusion": matrix,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_and_recall_are_counted_from_the_matrix() {
        let labels = ["cat", "dog", "cow"].map(String::from);
        let counts = [[0, 0, 8], [0, 1, 2], [1, 0, 1], [1, 1, 4]];
        let json = Confusion::new(&counts, &labels).json();
        assert_eq!(json["confusion"], json!([[8, 2, 0], [1, 4, 0], [0, 0, 0]]));
        assert_eq!(json["classes"][0]["precision"], 8.0 / 9.0);
        assert_eq!(json["classes"][0]["recall"], 0.8);
        assert_eq!(json["classes"][1]["recall"], 0.8);
        assert_eq!(
            json["classes"][2],
            json!({"class": "cow", "precision": null, "recall": null, "images": 0})
        );
        let text = Confusion::new(&counts, &labels).text();
        assert!(text.contains("cat        88.89 %    80.00 %      10  8 2 0"), "{text}");
        assert!(text.contains("cow              -          -       0  0 0 0"), "{text}");
        // Of many classes the worst.
        let labels: Vec<String> = (0..30).map(|class| format!("c{class}")).collect();
        let counts: Vec<[u32; 3]> =
            (0..30).flat_map(|class| [[class, class, 30 - class], [class, 0, class]]).collect();
        let text = Confusion::new(&counts[..], &labels).text();
        assert!(text.starts_with("class") && text.lines().count() == 22, "{text}");
        assert!(text.lines().nth(1).unwrap().starts_with("c29") && text.contains("and 10 classes"), "{text}");
    }
}
