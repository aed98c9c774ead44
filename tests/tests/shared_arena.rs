//! Models in one firmware that take turns in one arena, one of them with an image that comes in rows: the
//! logits of each are the host's, the linker holds the arena once, and flash is the sum.

use std::path::Path;

use mixq_elf::{Elf, Place};
use mixq_format::{Artifact, Bits};
use mixq_tests::firmware::{self, Board, Options, Part};
use mixq_tests::{frames, networks};

#[test]
fn models_take_turns_in_one_arena() {
    let [.., fed] = &frames::fed()[..] else { panic!("there are such networks") };
    let artifacts = [networks::weighted(Bits::B4, Bits::B4), networks::pooled(Bits::B8), fed.clone()];
    let bytes = artifacts.each_ref().map(Artifact::ram_bytes);
    let largest = bytes.into_iter().max().expect("there are models");
    assert!(bytes[0] < largest, "the arena is not that of the first alone: {bytes:?} B");
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = scratch.join("shared_arena");
    firmware::write_models(&folder, &artifacts, networks::images);

    let line = |artifact: &Artifact, image: &[u8]| {
        let logits: Vec<String> = networks::logits(artifact, image).iter().map(i32::to_string).collect();
        format!("{}: {}", artifact.header.name, logits.join(","))
    };
    let images = artifacts.each_ref().map(networks::images);
    let turns = images[0].len();
    assert!(turns > 2 && images.iter().all(|images| images.len() == turns));
    let host: Vec<String> = (0..turns)
        .flat_map(|turn| [0, 1, 2].map(|model: usize| line(&artifacts[model], &images[model][turn])))
        .collect();

    for target in ["thumbv7em-none-eabihf", "thumbv6m-none-eabi"] {
        let part = Part::SharedArena(largest);
        let options = Options { target, board: Board::Stm32f405, part, opt_level: "3" };
        let elf = firmware::build(&folder, &options, scratch);
        let linked = Elf::read(&elf).unwrap();
        assert_eq!(linked.bytes(Place::Ram, "::ARENA").unwrap(), largest as u64, "{target}");
        // There is less beside it than the others would have of their own.
        assert!(linked.total(Place::Ram) < bytes.iter().sum::<usize>() as u64, "{target}");
        for artifact in &artifacts {
            let name = &artifact.header.name;
            assert_eq!(linked.constants(name).unwrap(), artifact.flash_bytes() as u64, "{name}, {target}");
        }
        let printed = firmware::run(Board::Stm32f405, &elf, &[]);
        assert_eq!(printed.lines().collect::<Vec<_>>(), host, "{target}");
    }
}
