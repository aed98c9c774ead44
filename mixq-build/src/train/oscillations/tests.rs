//! What is followed, against a loop over the codes of each weight.

use super::*;

fn numbers(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.shallow_clone()).unwrap()
}

/// The share of turns and the mean code of one weight, and in which step it was frozen.
fn plainly(codes: &[f32], limit: f32) -> (f32, f32, Option<usize>) {
    let share = SHARE as f32;
    let (mut turns, mut mean, mut last_change) = (0.0f32, codes[0], 0.0f32);
    for (step, pair) in codes.windows(2).enumerate() {
        let change = pair[1] - pair[0];
        let turned = change * last_change < 0.0;
        if change != 0.0 {
            last_change = change;
        }
        turns += share * (f32::from(u8::from(turned)) - turns);
        mean += share * (pair[1] - mean);
        if turns > limit {
            return (turns, mean, Some(step));
        }
    }
    (turns, mean, None)
}

#[test]
fn turns_are_counted_as_by_a_loop_over_each_weight() {
    let mut random = fastrand::Rng::with_seed(4);
    let (weights, steps, limit) = (30, 200, 0.06);
    // Some never move, some drift, some go back and forth, more often the later they stand.
    let codes: Vec<Vec<f32>> = (0..weights)
        .map(|weight| {
            let mut code = 0.0;
            let step = |_| {
                if random.usize(..40) < weight {
                    code = if code == 0.0 || weight % 3 == 0 { code + 1.0 } else { code - 1.0 };
                }
                code
            };
            (0..steps).map(step).collect()
        })
        .collect();
    let at = |step: usize| Tensor::from_slice(&codes.iter().map(|codes| codes[step]).collect::<Vec<_>>());
    let mut oscillations = Oscillations::new(&at(0));
    for step in 1..steps {
        let frozen = oscillations.above(limit);
        oscillations.follow(&at(step), &frozen);
    }
    let frozen = Vec::<bool>::try_from(oscillations.above(limit)).unwrap();
    let (turns, means) = (numbers(&oscillations.turns), numbers(&oscillations.mean));
    let mut seen = [0; 2];
    for (weight, codes) in codes.iter().enumerate() {
        let (expected, mean, step) = plainly(codes, limit as f32);
        assert!((turns[weight] - expected).abs() < 1e-5, "{weight}: {} {expected}", turns[weight]);
        assert!((means[weight] - mean).abs() < 1e-4, "{weight}: {} {mean}", means[weight]);
        assert_eq!(frozen[weight], step.is_some(), "{weight}");
        seen[usize::from(step.is_some())] += 1;
    }
    assert!(seen.iter().all(|count| *count > 3), "{seen:?}");
}
