//! The plan of the arena, for tensors of any size and life.

use mixq_build::engine::memory::arena::{ALIGNMENT, Lifetime, Lives, Overlap, plan};
use proptest::prelude::*;

use crate::cases;

fn lifetimes() -> impl Strategy<Value = Vec<Lifetime>> {
    let lifetime = (0usize..300, 0usize..12, 0usize..6);
    prop::collection::vec(lifetime, 1..14).prop_map(|tensors| {
        tensors
            .into_iter()
            .map(|(bytes, first, steps)| Lifetime { bytes, first, last: first + steps })
            .collect()
    })
}

/// Input, output, and how far apart they begin at least, in words.
fn overlaps() -> impl Strategy<Value = Vec<(usize, usize, usize, Option<usize>)>> {
    prop::collection::vec((0usize..14, 0usize..14, 1usize..60, prop::option::of(1usize..60)), 0..6)
}

fn aligned(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn no_two_living_tensors_overlap(tensors in lifetimes()) {
        let plan = plan(&tensors.clone().into());
        prop_assert_eq!(plan.offsets.len(), tensors.len());
        prop_assert!(plan.bytes.is_multiple_of(ALIGNMENT));
        let busiest = (0..20).map(|step| {
            let alive = tensors.iter().filter(|tensor| tensor.first <= step && step <= tensor.last);
            alive.map(|tensor| aligned(tensor.bytes)).sum::<usize>()
        });
        prop_assert_eq!(plan.lower_bound, busiest.max().unwrap());
        prop_assert!(plan.bytes >= plan.lower_bound);
        for (a, offset) in plan.offsets.iter().enumerate() {
            prop_assert!(offset.is_multiple_of(ALIGNMENT));
            let end = offset + tensors[a].bytes;
            prop_assert!(end <= plan.bytes);
            for b in 0..a {
                let apart = tensors[a].last < tensors[b].first || tensors[b].last < tensors[a].first;
                let beside = end <= plan.offsets[b] || plan.offsets[b] + tensors[b].bytes <= *offset;
                prop_assert!(apart || beside, "{} and {} in {:?}", b, a, plan);
            }
        }
    }

    #[test]
    fn a_chain_reaches_the_lower_bound(bytes in prop::collection::vec(0usize..2000, 1..30)) {
        let last = bytes.len() - 1;
        let life = |step: usize| (step.saturating_sub(1), step.min(last.max(1) - 1));
        let tensors: Vec<Lifetime> = (bytes.iter().enumerate())
            .map(|(step, &bytes)| Lifetime { bytes, first: life(step).0, last: life(step).1 })
            .collect();
        let plan = plan(&tensors.clone().into());
        prop_assert_eq!(plan.bytes, plan.lower_bound);
    }
    /// Rows of an output may lie over those of an input, by as much as they may and no more.
    #[test]
    fn tensors_overlap_by_as_much_as_they_may(
        tensors in lifetimes(),
        pairs in overlaps(),
    ) {
        let mut lives = Lives::from(tensors.clone());
        for (input, output, forwards, backwards) in pairs {
            let other = |overlap: &Overlap| [input, output] != [overlap.input, overlap.output]
                && [output, input] != [overlap.input, overlap.output];
            if input != output && input.max(output) < tensors.len() && lives.overlaps.iter().all(other) {
                let (forwards, backwards) = (4 * forwards, backwards.map(|words| 4 * words));
                lives.overlaps.push(Overlap { input, output, forwards, backwards });
            }
        }
        let plan = plan(&lives);
        let apart = |first: usize, second: usize| {
            // By definition of the two orders of rows.
            let least = lives.overlaps.iter().find_map(|overlap| match [overlap.input, overlap.output] {
                pair if pair == [second, first] => Some(overlap.forwards),
                pair if pair == [first, second] => overlap.backwards,
                _ => None,
            });
            let bytes = aligned(tensors[first].bytes);
            plan.offsets[second] >= plan.offsets[first] + least.map_or(bytes, |least| least.min(bytes))
        };
        for (a, tensor) in tensors.iter().enumerate() {
            prop_assert!(plan.offsets[a] + tensor.bytes <= plan.bytes);
            for b in (0..a).filter(|b| tensor.bytes > 0 && tensors[*b].bytes > 0) {
                let together = tensor.first <= tensors[b].last && tensors[b].first <= tensor.last;
                prop_assert!(!together || apart(a, b) || apart(b, a), "{} and {} in {:?}", b, a, plan);
            }
        }
        let whole = mixq_build::engine::memory::arena::plan(&tensors.clone().into());
        prop_assert!(plan.lower_bound <= whole.lower_bound);
    }
}
