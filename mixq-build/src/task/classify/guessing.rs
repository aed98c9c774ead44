//! Whether a network is better than one that always answers the same class.

use mixq_format::Accuracy;

use crate::task::Targets;

/// The class that most images of a part belong to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Largest {
    /// Its number.
    class: u16,
    /// Its share of the images, 0 to 1: the accuracy of a network that always answers it.
    share: f64,
    /// The number of images of the part.
    images: usize,
}

impl Largest {
    /// The largest class of a part, the first of equal ones; `None` without images.
    fn of(part: &Targets) -> Option<Largest> {
        let mut counts = std::collections::BTreeMap::<u16, usize>::new();
        part.labels().into_iter().for_each(|class| *counts.entry(class).or_default() += 1);
        let (class, count) =
            counts.into_iter().max_by_key(|(class, count)| (*count, std::cmp::Reverse(*class)))?;
        Some(Largest { class, share: count as f64 / part.len() as f64, images: part.len() })
    }

    /// Whether an accuracy (0 to 1) is not better than guessing: it is less than two standard errors above
    /// the share, and nearer to the share than to 1. The second condition spares a network that is right on
    /// all of a few images.
    fn is_as_good_as(&self, accuracy: f64) -> bool {
        let error = (self.share * (1.0 - self.share) / self.images as f64).sqrt();
        let above = accuracy - self.share;
        above < 0.0 || above < (2.0 * error).min((1.0 - self.share) / 2.0)
    }
}

/// Says that an accuracy (0 to 1) on these images is not better than guessing, with the numbers; `None` for a
/// better one.
pub fn sentence(what: &str, accuracy: f64, test: &Targets, labels: &[String]) -> Option<String> {
    let largest = Largest::of(test).filter(|largest| largest.is_as_good_as(accuracy))?;
    let class = largest.class.to_string();
    let name = labels.get(usize::from(largest.class)).unwrap_or(&class);
    Some(format!(
        "{what} {:.1} % is not clearly better than always answering `{name}` ({:.1} % of the {} test \
         images)",
        100.0 * accuracy,
        100.0 * largest.share,
        largest.images
    ))
}

/// The warning after the training of a network that is not better than guessing, with what would help; `None`
/// for a better one.
pub fn warning(accuracy: &Accuracy, test: &Targets, labels: &[String]) -> Option<String> {
    let kinds = [
        (
            "float accuracy",
            accuracy.float,
            "check that the images have the right labels and show what tells the classes apart; or train \
             for more `epochs`, with another `learning-rate` or another network",
        ),
        (
            "fake-quantised accuracy",
            accuracy.fake_quant,
            "the float network was better: give more flash and RAM for more bits, or more `quantised-epochs`",
        ),
        (
            "integer accuracy",
            accuracy.integer,
            "the network trained with fake quantisation was better: please report this",
        ),
    ];
    kinds.into_iter().find_map(|(what, accuracy, help)| {
        Some(format!("{}; {help}", sentence(what, accuracy, test, labels)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(labels: &[u16]) -> Targets {
        labels.to_vec().into()
    }

    #[test]
    fn the_largest_class_is_counted() {
        let largest = Largest::of(&part(&[2, 0, 1, 1, 2])).unwrap();
        assert_eq!(largest, Largest { class: 1, share: 0.4, images: 5 });
        assert_eq!(Largest::of(&part(&[])), None);
    }

    /// Bounds of binomial distributions from tables: of 100 images with a share of a half, 59 or fewer right
    /// answers come by chance in 97 of 100 cases, 60 and more in less than 3; of 30 with a third, 15 or fewer
    /// in 98 of 100.
    #[test]
    fn guessing_is_told_from_knowing() {
        let is_guessing = |share: f64, images: usize, right: usize| {
            let largest = Largest { class: 0, share, images };
            largest.is_as_good_as(right as f64 / images as f64)
        };
        assert!(is_guessing(0.5, 100, 50) && is_guessing(0.5, 100, 59) && !is_guessing(0.5, 100, 61));
        assert!(
            is_guessing(1.0 / 3.0, 30, 10)
                && is_guessing(1.0 / 3.0, 30, 15)
                && !is_guessing(1.0 / 3.0, 30, 16)
        );
        assert!(is_guessing(0.1, 10_000, 1_059) && !is_guessing(0.1, 10_000, 1_061));
        // Worse than guessing is not better.
        assert!(is_guessing(0.5, 100, 10) && is_guessing(0.9, 20, 17));
        // A few images that are all known are no reason to doubt.
        for images in 1..20 {
            for share in [0.25, 0.5, 0.9, 1.0] {
                assert!(!is_guessing(share, images, images), "{share} {images}");
            }
        }
        assert!(!is_guessing(0.5, 4, 3) && is_guessing(0.5, 4, 2));
    }

    #[test]
    fn the_warning_names_class_numbers_and_what_helps() {
        let labels = ["square", "circle", "star"].map(String::from);
        let test = part(&[0, 1, 2, 1, 0, 2, 1, 0, 2]);
        let accuracy = |float: f64, fake_quant: f64| {
            let accuracy = Accuracy { float, fake_quant, integer: fake_quant, ..Accuracy::default() };
            warning(&accuracy, &test, &labels)
        };
        let text = accuracy(3.0 / 9.0, 3.0 / 9.0).unwrap();
        assert!(
            text.starts_with(
                "float accuracy 33.3 % is not clearly better than always answering `square` (33.3 % of the 9 \
                 test images); check"
            ),
            "{text}"
        );
        assert!(
            accuracy(1.0, 3.0 / 9.0)
                .unwrap()
                .starts_with("fake-quantised accuracy 33.3 % is not clearly better")
        );
        assert_eq!(accuracy(1.0, 1.0), None);
    }
}
