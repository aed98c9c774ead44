//! Weights that also make up for what the layers before them have lost, and codes that are looked at again
//! when all of them are chosen (coordinate descent).
//!
//! A layer whose inputs are quantised computes something else than the float layer, even with float weights.
//! The change of its weights with the least squared error is that of a linear regression of the difference on
//! the inputs. Few images say little about many weights, so it is a ridge regression, which keeps to the
//! weights the more the fewer rows of values there are for each.

use tch::{Kind, Tensor};

/// What is added to the variances of the inputs in the regression: this share of their mean, for as many rows
/// as weights; the more rows, the less.
const RIDGE: f64 = 3.0;

/// The same where codes are chosen.
const DAMPING: f64 = 0.3;

/// How often each code is looked at again.
const PASSES: usize = 3;

/// What images tell of the values that meet the weights of an output channel.
pub struct Seen {
    /// Their covariance, `[groups, window, window]`, or of large windows their variances, `[groups, window]`.
    pub covariance: Tensor,
    /// Their covariance with what the outputs lack, `[groups, channels, window]`; `None`: nobody asks for it.
    pub lacking: Option<Tensor>,
    /// The number of rows of values.
    pub rows: i64,
}

impl Seen {
    /// How many weights of a channel there are for each row.
    fn weights_for_row(&self) -> f64 {
        self.covariance.size()[1] as f64 / self.rows.max(1) as f64
    }

    /// The share of the mean variance that is added to all of them where codes are chosen; `usual` with many
    /// rows.
    pub fn damping(&self, usual: f64) -> f64 {
        if self.lacking.is_some() { usual + DAMPING * self.weights_for_row() } else { usual }
    }

    /// The weights, `[groups, channels, window]`, that make up for what the outputs lack.
    pub fn fitted(&self, rows: &Tensor) -> Tensor {
        let Some(lacking) = &self.lacking else { return rows.shallow_clone() };
        let share = RIDGE * self.weights_for_row();
        let (change, failed) =
            Tensor::linalg_solve_ex(&damped(&self.covariance, share), &lacking.transpose(1, 2), true, false);
        let sound = failed.count_nonzero(None::<i64>).int64_value(&[]) == 0
            && change.isfinite().all().int64_value(&[]) == 1;
        if sound { rows + change.transpose(1, 2) } else { rows.shallow_clone() }
    }
}

/// A covariance with this share of its mean variance added to all variances.
pub fn damped(covariance: &Tensor, share: f64) -> Tensor {
    let diagonal = covariance.diagonal(0, 1, 2);
    let damping = (diagonal.mean_dim(&[1i64][..], true, Kind::Double) * share).clamp_min(1e-12);
    covariance + damping.expand_as(&diagonal).diag_embed(0, 1, 2)
}

/// Values `found` for `rows`, both `[groups, channels, window]`: each in turn becomes the one on its grid
/// that is best beside the others, by the (damped) covariance. The error never grows.
pub fn descended(
    found: &Tensor,
    rows: &Tensor,
    covariance: &Tensor,
    nearest: impl Fn(&Tensor) -> Tensor,
) -> Tensor {
    let found = found.copy();
    let mut slope = (&found - rows).matmul(covariance);
    for _ in 0..PASSES {
        for column in 0..rows.size()[2] {
            let value = found.select(2, column);
            let own = covariance.select(1, column);
            let wanted = &value - slope.select(2, column) / own.narrow(1, column, 1);
            let change = nearest(&wanted) - &value;
            let _ = slope.baddbmm_(&change.unsqueeze(2), &own.unsqueeze(1));
            let _ = found.select(2, column).g_add_(&change);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::train::take_turn;

    const WINDOW: i64 = 20;

    fn random(shape: &[i64]) -> Tensor {
        Tensor::randn(shape, (Kind::Double, Device::Cpu))
    }

    /// The covariance of two groups of columns, `[1, columns of a, columns of b]`.
    fn covariance(a: &Tensor, b: &Tensor) -> Tensor {
        let centred = |x: &Tensor| x - x.mean_dim(&[0i64][..], true, Kind::Double);
        (centred(a).transpose(0, 1).matmul(&centred(b)) / a.size()[0] as f64).unsqueeze(0)
    }

    /// What layers lose on rows that they were not fitted to.
    #[test]
    fn weights_make_up_for_what_inputs_have_lost() {
        for (seed, rows) in [(1, 30), (2, 30), (3, 300), (4, 3000)] {
            let _turn = take_turn(1, seed);
            let (mixed, weights) = (random(&[WINDOW, WINDOW]), random(&[1, 5, WINDOW]));
            let draw = |rows: i64| {
                let exact = random(&[rows, WINDOW]).matmul(&mixed);
                let quantised = &exact * 0.8 + random(&[rows, WINDOW]) * 0.2;
                (exact, quantised)
            };
            let sums = |x: &Tensor, weights: &Tensor| x.matmul(&weights.select(0, 0).transpose(0, 1));
            let (exact, quantised) = draw(rows);
            let lacking = sums(&exact, &weights) - sums(&quantised, &weights);
            let seen = Seen {
                covariance: covariance(&quantised, &quantised),
                lacking: Some(covariance(&lacking, &quantised)),
                rows,
            };
            let (exact, quantised) = draw(1000);
            let error = |found: &Tensor| {
                let lost = sums(&exact, &weights) - sums(&quantised, found);
                lost.square().mean(Kind::Double).double_value(&[])
            };
            let ratio = error(&seen.fitted(&weights)) / error(&weights);
            assert!(ratio < if rows == 30 { 0.9 } else { 0.5 }, "{rows} rows: {ratio}");
            let unasked = Seen { lacking: None, ..seen };
            assert_eq!(unasked.fitted(&weights), weights);
            assert_eq!(unasked.damping(0.01), 0.01);
        }
    }

    #[test]
    fn codes_make_up_for_each_other() {
        let _turn = take_turn(1, 5);
        let mixed = random(&[WINDOW, WINDOW]);
        let rows = random(&[2, 5, WINDOW]);
        let covariance = damped(&mixed.matmul(&mixed.transpose(0, 1)).repeat([2, 1, 1]), 0.01);
        let nearest = |x: &Tensor| (x / 0.4 + 0.5).floor().clamp(-4.0, 3.0) * 0.4;
        let error = |found: &Tensor| {
            let lost = found - &rows;
            (lost.matmul(&covariance) * lost).sum(Kind::Double).double_value(&[])
        };
        let plain = nearest(&rows);
        let found = descended(&plain, &rows, &covariance, nearest);
        assert_eq!(nearest(&found), found, "all of them are on the grid");
        assert!(error(&found) < 0.7 * error(&plain), "{} {}", error(&found), error(&plain));
    }

    #[test]
    fn nothing_is_learned_of_inputs_that_never_vary() {
        let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Double, Device::Cpu));
        let seen = Seen { covariance: zeros(&[1, 3, 3]), lacking: Some(zeros(&[1, 2, 3])), rows: 0 };
        let weights = random(&[1, 2, 3]);
        assert_eq!(seen.fitted(&weights), weights);
    }
}
