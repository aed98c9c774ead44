//! The arena that makes a network fast, against all arenas that there are.

use mixq_format::Artifact;
use mixq_format::target::{Cost, Outline, Target};
use mixq_tests::{networks, zoo};

const RUST_TARGET: &str = "thumbv7em-none-eabihf";

/// Instructions in an arena of this number of bytes.
fn instructions(target: &Target, artifact: &Artifact, arena_bytes: u32) -> u64 {
    let placed = artifact.in_arena(arena_bytes);
    let costs = target.costs(RUST_TARGET, &placed.layers(), &placed.parameters, arena_bytes);
    costs.into_iter().sum::<Cost>().instructions
}

fn fastest(target: &Target, rust_target: &str, artifact: &Artifact, most: u64) -> u32 {
    let (layers, arena_bytes) = (artifact.layers(), artifact.header.arena_bytes);
    let outline = Outline { steps: layers.steps(&[]), parameters: Some(&artifact.parameters), arena_bytes };
    target.fastest_arena(rust_target, &outline, most)
}

#[test]
fn no_smaller_arena_is_as_fast() {
    let target = Target::of(RUST_TARGET, false);
    let all = networks::all().into_iter().chain([zoo::artifact("ad", mixq_format::Bits::B4)]);
    for artifact in all {
        let (name, least) = (&artifact.header.name, artifact.header.arena_bytes);
        // Every place where scratch may begin to be of use, and steps between.
        let counts: Vec<(u32, u64)> = (least..least + 3000)
            .step_by(16)
            .map(|bytes| (bytes, instructions(target, &artifact, bytes)))
            .collect();
        for most in [least, least + 100, least + 512, least + 2992] {
            let found = fastest(target, RUST_TARGET, &artifact, most.into());
            assert!((least..=most).contains(&found) && found.is_multiple_of(4), "{name}: {found} of {most}");
            let fewest = counts.iter().filter(|(bytes, _)| *bytes <= most).map(|(_, count)| *count).min();
            let fewest = fewest.unwrap();
            let taken = instructions(target, &artifact, found);
            assert!(
                taken <= fewest + fewest / 1000,
                "{name} in {found} of {most}: {taken}, possible {fewest}"
            );
            let smaller =
                counts.iter().find(|(bytes, count)| bytes + 16 <= found && *count + *count / 1000 < taken);
            assert_eq!(smaller, None, "{name} in {found} takes {taken}");
        }
    }
}

#[test]
fn portable_kernels_get_the_least() {
    for (rust_target, name) in
        [("thumbv6m-none-eabi", "armv6m"), ("riscv32imac-unknown-none-elf", "portable")]
    {
        let target = Target::of(rust_target, false);
        assert_eq!(target.name, name);
        for artifact in networks::all() {
            assert_eq!(fastest(target, rust_target, &artifact, u64::MAX), artifact.header.arena_bytes);
        }
    }
}
