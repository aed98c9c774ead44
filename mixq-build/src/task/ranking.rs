//! How well numbers rank images: those that are to be found before the others.

/// Average precision, the area under the curve of precision over recall: for each value that occurs, the
/// precision of all that are not below it, times the share of the wanted ones that have it. 0 if none is
/// wanted.
pub(super) fn average_precision(values: &[f64], wanted: &[bool]) -> f64 {
    let total = wanted.iter().filter(|wanted| **wanted).count() as f64;
    let (mut found, mut seen, mut area) = (0.0, 0.0, 0.0);
    for [right, wrong] in steps(values, wanted) {
        found += right;
        seen += right + wrong;
        area += right / total.max(1.0) * found / seen;
    }
    area
}

/// The share of pairs of a wanted image and another one of which the wanted one has the larger value; equal
/// ones count a half. `None` without pairs.
pub(super) fn auc(values: &[f64], wanted: &[bool]) -> Option<f64> {
    let (mut before, mut pairs) = (0.0, 0.0);
    for [right, wrong] in steps(values, wanted) {
        pairs += wrong * (before + 0.5 * right);
        before += right;
    }
    let others = wanted.len() as f64 - before;
    (before > 0.0 && others > 0.0).then(|| pairs / before / others)
}

/// For each value, the largest first: how many images that are wanted have it, and how many others.
fn steps(values: &[f64], wanted: &[bool]) -> Vec<[f64; 2]> {
    let mut order: Vec<(f64, bool)> = values.iter().copied().zip(wanted.iter().copied()).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    order
        .chunk_by(|a, b| a.0 == b.0)
        .map(|equal| {
            let right = equal.iter().filter(|(_, wanted)| *wanted).count();
            [right as f64, (equal.len() - right) as f64]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases() -> impl Iterator<Item = (Vec<f64>, Vec<bool>)> {
        (1..60usize).map(|count| {
            let values = (0..count).map(|i| (i * i * 7 % 11) as f64 - 3.0).collect();
            (values, (0..count).map(|i| (i * 5 + count) % 3 == 0).collect())
        })
    }

    /// Pair by pair.
    #[test]
    fn auc_counts_pairs() {
        for (values, wanted) in cases() {
            let (mut sum, mut pairs) = (0.0, 0);
            for i in (0..values.len()).filter(|i| wanted[*i]) {
                for j in (0..values.len()).filter(|j| !wanted[*j]) {
                    pairs += 1;
                    sum += if values[i] > values[j] {
                        1.0
                    } else if values[i] == values[j] {
                        0.5
                    } else {
                        0.0
                    };
                }
            }
            match auc(&values, &wanted) {
                Some(found) => assert!((found - sum / f64::from(pairs)).abs() < 1e-12),
                None => assert_eq!(pairs, 0),
            }
        }
    }

    /// By the definition: `sum over thresholds of (R_k - R_(k-1)) P_k`, each counted anew.
    #[test]
    fn average_precision_is_that_of_its_definition() {
        for (values, wanted) in cases() {
            let mut thresholds = values.clone();
            thresholds.sort_by(|a, b| b.total_cmp(a));
            thresholds.dedup();
            let total = wanted.iter().filter(|w| **w).count();
            let (mut before, mut sum) = (0.0, 0.0);
            for threshold in thresholds {
                let kept = |i: &usize| values[*i] >= threshold;
                let seen = (0..values.len()).filter(kept).count() as f64;
                let right = (0..values.len()).filter(kept).filter(|i| wanted[*i]).count() as f64;
                let recall = right / total.max(1) as f64;
                sum += (recall - before) * (right / seen);
                before = recall;
            }
            assert!((average_precision(&values, &wanted) - sum).abs() < 1e-12);
        }
    }
}
