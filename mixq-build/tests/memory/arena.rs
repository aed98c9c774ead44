//! The plan of the arena, for tensors of any size and life.

use mixq_build::engine::memory::arena::{ALIGNMENT, Lifetime, plan};
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
}
