//! Trained networks in one firmware, executed in QEMU.

use std::path::Path;

use mixq_build::engine::evaluate::logits;
use mixq_tests::firmware::{self, Board, Options, Part};

use super::*;

/// Images that the device answers.
const IMAGES: usize = 12;

/// Networks, some of their test images, and what the host answers.
#[derive(Default)]
pub struct OnDevice {
    artifacts: Vec<Artifact>,
    expected: Vec<String>,
    images: Vec<(String, Vec<Vec<u8>>)>,
}

impl OnDevice {
    /// Adds what a package has trained; the artifact's name is one of its own.
    pub fn add(&mut self, package: &Package, artifact: Artifact) {
        let config = package.config();
        let prepared = Prepared::new(&config.models[0], None).unwrap();
        let (graph, dataset) = (&prepared.graph, &config.models[0].dataset);
        let test = Dataset::load(dataset, &graph.inputs, graph.outputs(), &mut ()).unwrap().test;
        let name = &artifact.header.name;
        let first = |all: Vec<i32>| all[..IMAGES * graph.outputs()].to_vec();
        for logits in first(logits(&artifact, &test).unwrap()).chunks(graph.outputs()) {
            let logits: Vec<String> = logits.iter().map(i32::to_string).collect();
            self.expected.push(format!("{name}: {}", logits.join(",")));
        }
        self.images.push((name.clone(), (0..IMAGES).map(|i| test.image(i).to_vec()).collect()));
        self.artifacts.push(artifact);
    }

    /// Builds the firmware of the networks in a folder of this name, executes it, and compares.
    pub fn check(self, folder: &str) {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = scratch.join(folder);
        let images_of = |artifact: &Artifact| {
            let of = self.images.iter().find(|(name, _)| *name == artifact.header.name);
            of.map_or(Vec::new(), |(_, images): &(_, Vec<Vec<u8>>)| images.clone())
        };
        firmware::write_models(&folder, &self.artifacts, images_of);
        let (target, board) = ("thumbv7em-none-eabihf", Board::Stm32f405);
        let options = Options { target, board, part: Part::Binary, opt_level: "3" };
        let elf = firmware::build(&folder, &options, scratch);
        let printed = firmware::run(board, &elf, &[]);
        let (found, stack) = firmware::logits_and_stack(&printed);
        assert_eq!(found, self.expected, "the device answers as the host does");
        assert!(stack.iter().all(|(_, bytes)| *bytes <= firmware::STACK), "{stack:?}");
        firmware::assert_memory(&elf, &self.artifacts);
    }
}
