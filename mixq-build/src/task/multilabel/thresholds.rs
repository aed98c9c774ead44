//! The threshold of each label.

/// The integer that a logit must exceed, for the best F1 on some images; the nearest to 0 of equally good
/// ones, 0 itself if it is as good.
pub(super) fn best(logits: &[i32], wanted: &[bool]) -> i32 {
    let mut order: Vec<(i32, bool)> = logits.iter().copied().zip(wanted.iter().copied()).collect();
    order.sort_by_key(|(logit, _)| std::cmp::Reverse(*logit));
    let total = wanted.iter().filter(|wanted| **wanted).count();
    let f1 = |found: usize, seen: usize| 2.0 * found as f64 / (total + seen).max(1) as f64;
    let at = |threshold: i32| {
        let seen = order.iter().filter(|(logit, _)| *logit > threshold);
        f1(seen.clone().filter(|(_, wanted)| *wanted).count(), seen.count())
    };
    let (mut best, mut most) = (0i32, at(0));
    let (mut found, mut seen) = (0, 0);
    for (index, (logit, wanted)) in order.iter().enumerate() {
        (found, seen) = (found + usize::from(*wanted), seen + 1);
        let next = order.get(index + 1).map(|(next, _)| *next);
        if next == Some(*logit) {
            continue;
        }
        // In the middle of the gap below; below all logits there is none.
        let Some(next) = next else { continue };
        let threshold = ((i64::from(*logit) + i64::from(next)).div_euclid(2)) as i32;
        let found = f1(found, seen);
        if found > most || found == most && best != 0 && threshold.unsigned_abs() < best.unsigned_abs() {
            (best, most) = (threshold, found);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No threshold is better, each tried.
    #[test]
    fn no_threshold_is_better() {
        for count in 1..40usize {
            let logits: Vec<i32> = (0..count).map(|i| (i * i * 13 % 29) as i32 - 12).collect();
            let wanted: Vec<bool> = (0..count).map(|i| (i * 7 + count) % 4 == 0).collect();
            let f1 = |threshold: i32| {
                let count = |is: &dyn Fn(bool, bool) -> bool| {
                    let pairs = logits.iter().zip(&wanted);
                    pairs.filter(|(logit, wanted)| is(**logit > threshold, **wanted)).count() as f64
                };
                let right = count(&|said, is| said && is);
                let wrong = count(&|said, is| said != is);
                if right == 0.0 { 0.0 } else { right / (right + 0.5 * wrong) }
            };
            let found = best(&logits, &wanted);
            // What says yes to all images is no threshold.
            let most = (-12..30).map(f1).fold(0.0, f64::max);
            assert!((f1(found) - most).abs() < 1e-12 || f1(found) > most, "{found}");
            assert!(f1(0) < f1(found) || found == 0);
        }
    }

    #[test]
    fn the_threshold_lies_between() {
        assert_eq!(best(&[100, 50, 20, -7], &[true, true, false, false]), 35);
        assert_eq!(best(&[100, -50], &[true, false]), 0);
        assert_eq!(best(&[i32::MAX, i32::MIN], &[true, false]), 0);
        assert_eq!(best(&[], &[]), 0);
        assert_eq!(best(&[-5, -9], &[true, false]), -7);
    }
}
