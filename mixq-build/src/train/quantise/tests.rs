//! Codes and gradients, by examples and by a second implementation.

use super::*;

const UPSTREAM: [f32; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];

fn parameter(values: &[f32]) -> Tensor {
    let tensor = Tensor::from_slice(values);
    let tensor = if values.len() == 1 { tensor.squeeze() } else { tensor };
    tensor.set_requires_grad(true)
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.detach().flatten(0, -1).contiguous()).unwrap()
}

/// Gradients of `sum(UPSTREAM * output)`.
fn gradients(output: &Tensor, of: &[&Tensor]) -> Vec<Vec<f32>> {
    let loss = (output.flatten(0, -1) * Tensor::from_slice(&UPSTREAM)).sum(tch::Kind::Float);
    Tensor::run_backward(&[loss], of, false, false).iter().map(numbers).collect()
}

/// The code of a value by the plain formula.
fn code(real: f32, low: f32, high: f32, bits: Bits, rounding: Rounding) -> (f32, f32, f32) {
    let levels = bits.max_code() as f32;
    let (low, high) = (low.min(0.0), high.max(0.0));
    let scale = (high - low) / levels;
    let zero_point = (-low / scale + 0.5).floor();
    let steps = real.clamp(low, high) / scale;
    let rounded = match rounding {
        Rounding::Nearest => (steps + 0.5).floor(),
        Rounding::Floor => steps.floor(),
    };
    ((rounded + zero_point).clamp(0.0, levels), scale, zero_point)
}

/// The device's code for a value, counted in steps: the last one that is not above it, or the one next to
/// it.
fn device_code(steps: f64, zero_point: i32, bits: Bits, rounding: Rounding) -> i32 {
    let codes = 0..=bits.max_code();
    let distance = |code: &i32| f64::from(code - zero_point) - steps;
    match rounding {
        Rounding::Floor => codes.rev().find(|code| distance(code) <= 0.0).unwrap_or(0),
        Rounding::Nearest => {
            codes.min_by(|a, b| distance(a).abs().total_cmp(&distance(b).abs())).expect("there are codes")
        }
    }
}

#[test]
fn activations_get_the_codes_of_the_device_wherever_the_bounds_lie() {
    let mut random = fastrand::Rng::with_seed(1);
    for bits in Bits::QUANTISED {
        for rounding in [Rounding::Nearest, Rounding::Floor] {
            for case in 0..40 {
                let (relu, high) = (case % 2 == 0, 0.1 + 5.0 * random.f32());
                let low = if relu { 0.0 } else { -4.0 * random.f32() };
                let (low_tensor, high_tensor) = (Tensor::from(low), Tensor::from(high));
                let learned = (!relu).then_some(&low_tensor);
                let grids = activation_grids(learned, &high_tensor, bits);
                let (scale, zero_point) = (numbers(&grids.scale)[0], numbers(&grids.zero_point)[0]);
                // Far from the steps, where 32 bits might round to the other side.
                let reach = 2 * bits.max_code();
                let steps =
                    (-reach..reach).flat_map(|whole| [0.1, 0.4, 0.6, 0.9].map(|x| f64::from(whole) + x));
                let steps: Vec<f64> = steps.collect();
                let real: Vec<f32> = steps.iter().map(|steps| (steps * f64::from(scale)) as f32).collect();
                let real = Tensor::from_slice(&real);
                let found = activation(&real, learned, &high_tensor, &grids, bits, rounding);
                for (steps, found) in steps.iter().zip(numbers(&found)) {
                    let code = device_code(*steps, zero_point as i32, bits, rounding);
                    let expected = (code as f32 - zero_point) * scale;
                    assert!(
                        (found - expected).abs() < 1e-3 * scale.max(0.01),
                        "{steps} steps give {found}, not {expected}: {bits:?} {rounding:?} {low} to \
                         {high}"
                    );
                }
            }
        }
    }
}

#[test]
fn pact_passes_gradients_inside_and_gives_the_bound_those_above() {
    let real = parameter(&[-1.0, 0.5, 5.9, 6.5, 100.0]);
    let high = parameter(&[6.0]);
    for rounding in [Rounding::Nearest, Rounding::Floor] {
        let grids = activation_grids(None, &high, Bits::B4);
        let output = activation(&real, None, &high, &grids, Bits::B4, rounding);
        let found = gradients(&output, &[&real, &high]);
        assert_eq!(found, [vec![0.0, 2.0, 4.0, 0.0, 0.0], vec![8.0 + 16.0]]);
    }
}

#[test]
fn without_relu_the_lower_bound_learns_too() {
    let real = parameter(&[-7.0, -2.0, 0.0, 3.0, 9.0]);
    let (low, high) = (parameter(&[-5.0]), parameter(&[6.0]));
    let grids = activation_grids(Some(&low), &high, Bits::B2);
    let output = activation(&real, Some(&low), &high, &grids, Bits::B2, Rounding::Nearest);
    let found = gradients(&output, &[&real, &low, &high]);
    assert_eq!(found, [vec![0.0, 2.0, 4.0, 8.0, 0.0], vec![1.0], vec![16.0]]);
}

#[test]
fn weights_outside_their_bounds_move_the_bounds() {
    let real = parameter(&[-0.9, -0.3, 0.0, 0.2, 0.8]);
    let (low, high) = (parameter(&[-0.5]), parameter(&[0.7]));
    let grids = per_layer_grids(&low, &high, Bits::B4);
    let output = weights(&real, &grids, Bits::B4, Some((&low, &high)));
    let found = gradients(&output, &[&real, &low, &high]);
    assert_eq!(found, [vec![0.0, 2.0, 4.0, 8.0, 0.0], vec![1.0], vec![16.0]]);
    let codes = numbers(&weight_codes(&real, &grids, Bits::B4, Some((&low, &high))));
    let expected = [-0.9, -0.3, 0.0, 0.2, 0.8].map(|w| code(w, -0.5, 0.7, Bits::B4, Rounding::Nearest).0);
    assert_eq!(codes, expected);
}

#[test]
fn per_channel_weights_pass_every_gradient() {
    let real = parameter(&[-0.9, -0.3, 0.0, 0.2, 0.8]);
    let channels = real.reshape([1, 5, 1, 1]);
    let grids = per_channel_grids(&channels, Bits::B2);
    let output = weights(&channels, &grids, Bits::B2, None);
    assert_eq!(gradients(&output, &[&real]), [UPSTREAM.to_vec()]);
}

/// The gradients of section 2.1 of arXiv 1902.08153, by hand; the step is given by its logarithm.
#[test]
fn a_learned_step_gets_what_rounding_and_the_ends_of_the_grid_change() {
    let real = parameter(&[-0.9, -0.3, 0.1, 0.6, 1.4]);
    let logarithm = parameter(&[0.5f32.ln()]);
    let grids = Grids { scale: logarithm.exp(), zero_point: Tensor::from(1f32) };
    let output = stepped_weights(&real, &grids, Bits::B2);
    let close = |found: &[f32], expected: &[f32]| {
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5)
    };
    assert!(close(&numbers(&output), &[-0.5, -0.5, 0.0, 0.5, 1.0]), "{output}");
    let found = gradients(&output, &[&real, &logarithm]);
    assert_eq!(found[0], [0.0, 2.0, 4.0, 8.0, 0.0]);
    // In steps the weights are -1.8, -0.6, 0.2, 1.2 and 2.8, the ends of the grid -1 and 2.
    let by_step = [-1.0, -1.0 + 0.6, 0.0 - 0.2, 1.0 - 1.2, 2.0];
    let sum: f32 = by_step.iter().zip(UPSTREAM).map(|(by_step, upstream)| by_step * upstream).sum();
    assert!(close(&found[1], &[0.5 * sum]), "{:?} {sum}", found[1]);
    assert_eq!(numbers(&weight_codes(&real, &grids, Bits::B2, None)), [0.0, 0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn a_channel_on_one_side_of_zero_keeps_zero_on_its_grid() {
    let real = Tensor::from_slice(&[1.0f32, 3.0, -3.0, -1.0, -1.0, 2.0, 0.0, 0.0]).reshape([4, 2]);
    for bits in Bits::QUANTISED {
        let grids = per_channel_grids(&real, bits);
        let levels = bits.max_code() as f32;
        let scales = numbers(&grids.scale);
        let zero_points = numbers(&grids.zero_point);
        assert_eq!(zero_points, [0.0, levels, (levels / 3.0 + 0.5).floor(), 0.0]);
        for (scale, range) in scales.iter().zip([3.0, 3.0, 3.0]) {
            assert!((scale * levels - range).abs() < 1e-6);
        }
        assert!(scales[3] > 0.0, "nothing divides by 0");
        let zeros = weights(&real.zeros_like(), &grids, bits, None);
        assert_eq!(numbers(&zeros), [0.0; 8]);
    }
}

#[test]
fn per_channel_weights_move_by_half_a_step_at_most() {
    let mut random = fastrand::Rng::with_seed(3);
    let real: Vec<f32> = (0..40 * 9).map(|index| (random.f32() - 0.4) * 0.01 * (index / 9) as f32).collect();
    let real = Tensor::from_slice(&real).reshape([40, 1, 3, 3]);
    for bits in Bits::QUANTISED {
        let grids = per_channel_grids(&real, bits);
        let moved = (weights(&real, &grids, bits, None) - &real).abs() / &grids.scale;
        // The zero point is rounded, too: that may cut half a step off one end.
        assert!(moved.max().double_value(&[]) < 1.001, "{bits:?} {moved}");
        let steps = (real.amax([1i64, 2, 3], true) - real.amin([1i64, 2, 3], true)) / &grids.scale;
        assert!(steps.max().double_value(&[]) < f64::from(bits.max_code()) + 0.01);
    }
}

#[test]
fn the_best_range_loses_least_of_all_shares() {
    let mut random = fastrand::Rng::with_seed(2);
    // Most values are small, a few far out.
    let real: Vec<f32> = (0..400).map(|_| (2.0 * random.f32() - 1.0).powi(5) * 10.0).collect();
    for bits in Bits::QUANTISED {
        for (relu, rounding) in
            [(true, Rounding::Nearest), (false, Rounding::Nearest), (true, Rounding::Floor)]
        {
            let data: Vec<f32> = real.iter().map(|x| if relu { x.max(0.0) } else { *x }).collect();
            let ends = data.iter().fold((0.0f32, 0.0f32), |(low, high), x| (low.min(*x), high.max(*x)));
            let loss = |low: f32, high: f32| -> f64 {
                let squares = data.iter().map(|x| {
                    let (code, scale, zero_point) = code(*x, low, high, bits, rounding);
                    f64::from((code - zero_point) * scale - x).powi(2)
                });
                squares.sum()
            };
            let (low, high) = best_range(&Tensor::from_slice(&real), relu, bits, rounding);
            let found = loss(low as f32, high as f32);
            for share in (4..=40).map(|share| share as f32 / 40.0) {
                assert!(found <= loss(ends.0 * share, ends.1 * share) * 1.0001, "{bits:?} {share}");
            }
            assert!(bits == Bits::B8 || high < 0.99 * f64::from(ends.1), "few bits clip the outliers");
        }
    }
}
