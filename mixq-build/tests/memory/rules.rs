//! The rules that narrow activations and weights until they fit.

use mixq_build::engine::memory::rules::{Side, Step, cut_activations, cut_weights};
use mixq_build::engine::settings::DELTA;
use mixq_format::Bits;
use proptest::prelude::*;

use crate::cases;

/// Steps of a network whose tensors are named by their widths; the first and the last are fixed.
fn steps() -> impl Strategy<Value = (Vec<u64>, Vec<Step>)> {
    let sizes = prop::collection::vec(1u64..500, 3..10);
    sizes.prop_flat_map(|sizes| {
        let count = sizes.len();
        let bystanders = prop::collection::vec(prop::collection::vec(0..count, 0..3), count - 1);
        (Just(sizes), bystanders).prop_map(|(sizes, bystanders)| {
            let side = |width: usize| Side { width, elements: sizes[width] };
            let steps = (bystanders.into_iter().enumerate()).map(|(k, beside)| Step {
                input: side(k),
                output: side(k + 1),
                bystanders: beside.into_iter().filter(|w| *w != k && *w != k + 1).map(side).collect(),
            });
            (sizes.clone(), steps.collect())
        })
    })
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn the_activation_rule_narrows_until_it_fits((sizes, steps) in steps(), budget in 0u64..8000) {
        let count = sizes.len();
        let fixed: Vec<bool> = (0..count).map(|width| width == 0 || width + 1 == count).collect();
        // Some tensors take as few bytes with 4 bits as with 2.
        let bound = |width: usize| if sizes[width].is_multiple_of(3) { Bits::B4 } else { Bits::B2 };
        let least: Vec<Bits> =
            (0..count).map(|width| if fixed[width] { Bits::B8 } else { bound(width) }).collect();
        let alive = |bits: &[Bits], step: &Step| -> u64 {
            let sides = [step.input, step.output].into_iter().chain(step.bystanders.iter().copied());
            let mut widths: Vec<usize> = sides.map(|side| side.width).collect();
            widths.sort();
            widths.dedup();
            widths.into_iter().map(|width| sizes[width] * bits[width].count() as u64).sum()
        };
        let mut bits = vec![Bits::B8; count];
        let result = cut_activations(&mut bits, &least, &steps, |bits, k| alive(bits, &steps[k]) > budget);
        for width in 0..count {
            prop_assert!(bits[width] >= least[width]);
        }
        match result {
            Ok(cuts) => {
                prop_assert!(steps.iter().all(|step| alive(&bits, step) <= budget));
                let mut replayed = vec![Bits::B8; count];
                for width in cuts {
                    replayed[width] = replayed[width].narrower().unwrap();
                }
                prop_assert_eq!(replayed, bits);
            }
            Err(dead_end) => {
                let step = &steps[dead_end.step.unwrap()];
                prop_assert!(alive(&bits, step) > budget);
                let sides = [step.input, step.output].into_iter().chain(step.bystanders.iter().copied());
                for side in sides {
                    prop_assert_eq!(bits[side.width], least[side.width], "{:?} in {:?}", side, step);
                }
            }
        }
    }

    #[test]
    fn the_weight_rule_narrows_until_it_fits(
        weights in prop::collection::vec(1u64..1000, 1..12), budget in 0u64..20_000, delta in 0u32..200_000,
    ) {
        let size = |bits: &[Bits]| weights.iter().zip(bits).map(|(n, b)| n * b.count() as u64).sum::<u64>();
        let mut bits = vec![Bits::B8; weights.len()];
        let least: Vec<Bits> =
            weights.iter().map(|count| if count.is_multiple_of(3) { Bits::B8 } else { Bits::B2 }).collect();
        let result = cut_weights(&mut bits, &weights, &least, delta, |bits| size(bits) > budget);
        match result {
            Ok(cuts) => {
                prop_assert!(size(&bits) <= budget);
                let mut replayed = vec![Bits::B8; weights.len()];
                for (turn, &layer) in cuts.iter().enumerate() {
                    prop_assert!(size(&replayed) > budget, "turn {turn} cut what already fits");
                    // The rule in exact fractions: r_i > R - delta, the first such layer.
                    let total = size(&replayed) as i128;
                    let share = |i: usize| weights[i] as i128 * replayed[i].count() as i128 * 1_000_000;
                    let cuttable = || (0..weights.len()).filter(|&i| replayed[i] > least[i]);
                    let largest = cuttable().map(share).max().unwrap();
                    let near = |i: &usize| share(*i) > largest - i128::from(delta) * total;
                    let first = cuttable().find(near).or(cuttable().find(|i| share(*i) == largest));
                    prop_assert_eq!(Some(layer), first);
                    replayed[layer] = replayed[layer].narrower().unwrap();
                }
                prop_assert_eq!(replayed, bits);
            }
            Err(_) => {
                prop_assert_eq!(&bits, &least);
                prop_assert!(size(&bits) > budget);
            }
        }
    }
}

#[test]
fn delta_is_the_papers() {
    assert_eq!(DELTA, 50_000);
}
