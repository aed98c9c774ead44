//! The examples from their committed artifacts to their logits on the emulated device.

use std::path::{Path, PathBuf};
use std::process::Command;

use mixq_build::engine::artifact::{self, State};
use mixq_build::engine::config::Config;
use mixq_build::engine::dataset::{Dataset, Split};
use mixq_build::engine::evaluate;
use mixq_build::engine::prepare::Prepared;
use mixq_build::engine::script::spread;
use mixq_build::engine::target::{Platform, place};
use mixq_elf::{Elf, Place};
use mixq_format::Artifact;
use mixq_tests::firmware::{self, Board};

/// An example, which is called as its model.
struct Example {
    name: &'static str,
    folder: PathBuf,
    config: Config,
}

impl Example {
    fn new(name: &'static str) -> Example {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
        let config = Config::load(&folder).unwrap();
        Example { name, folder, config }
    }

    fn prepared(&self) -> Prepared<'_> {
        Prepared::new(&self.config.models[0], None).unwrap()
    }

    /// The committed artifact, which must be fresh.
    fn artifact(&self) -> Artifact {
        let path = artifact::path(&self.folder, self.name);
        match artifact::state(&path, &self.prepared().fingerprint).unwrap() {
            State::Fresh(artifact) => *artifact,
            state => panic!("the committed artifact {}: run `cargo xtask retrain`", state.reason().unwrap()),
        }
    }

    /// The images to measure with; `None`, and a word about it, if the dataset is not there.
    fn test_images(&self) -> Option<Split> {
        let (prepared, dataset) = (self.prepared(), &self.config.models[0].dataset);
        if !dataset.path.exists() {
            println!("skipped for {}: there is no dataset at {}", self.name, dataset.path.display());
            return None;
        }
        let (input, outputs) = (&prepared.graph.inputs, prepared.graph.outputs());
        Some(Dataset::load(dataset, input, outputs, &mut ()).unwrap().test)
    }

    fn build(&self) -> PathBuf {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let target = self.folder.join("../target");
        let output = Command::new(cargo)
            .args(["build", "--release", "--target-dir"])
            .arg(&target)
            .current_dir(&self.folder)
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        target.join("thumbv7em-none-eabihf/release").join(self.name)
    }

    /// The linker holds what the artifact says, within the budget.
    fn check_memory(&self, elf: &Path, artifact: &Artifact) {
        let linked = Elf::read(elf).unwrap();
        assert_eq!(linked.constants(self.name).unwrap(), artifact.flash_bytes() as u64);
        let platform = Platform::find(Some("thumbv7em-none-eabihf"), &self.config);
        let placed =
            place(platform.as_ref(), &self.config, &[Some(artifact.clone())]).swap_remove(0).unwrap();
        assert_eq!(linked.bytes(Place::Ram, "::NETWORK").unwrap(), placed.artifact.ram_bytes() as u64);
        let model = &self.config.models[0];
        assert!(artifact.flash_bytes() as u64 <= model.flash && artifact.ram_bytes() as u64 <= model.ram);
    }

    /// The device's logits are the host's, on these images; the host's.
    fn check_logits(&self, elf: &Path, artifact: &Artifact, images: &Split) -> Vec<i32> {
        let host = evaluate::logits(artifact, images).unwrap();
        let printed = firmware::run(Board::Stm32f405, elf, &[self.name, "logits"]);
        let logits = printed.lines().flat_map(|line| line.split(','));
        let device: Vec<i32> = logits.map(|logit| logit.trim().parse().unwrap()).collect();
        assert_eq!(device, host);
        host
    }
}

#[test]
fn digits_are_the_same_on_device_linker_and_host() {
    let example = Example::new("digits");
    let (artifact, elf) = (example.artifact(), example.build());
    example.check_memory(&elf, &artifact);
    let images = example.test_images().expect("part of the repository");
    assert_eq!(images.len(), 360);
    let host = example.check_logits(&elf, &artifact, &images);

    // The figures that the artifact states, and those that the example is for.
    let accuracy = artifact.header.accuracy;
    assert_eq!(evaluate::score(&artifact, &host, &images), accuracy.integer);
    assert!(accuracy.integer >= 0.97, "{accuracy:?}");
    assert!(accuracy.integer >= accuracy.float - 0.01, "{accuracy:?}");
    assert!((accuracy.integer - accuracy.fake_quant).abs() <= 0.006, "{accuracy:?}");

    // Run without arguments, it talks to people.
    let shown = firmware::run(Board::Stm32f405, &elf, &["digits"]);
    let right = (accuracy.integer * 360.0).round();
    assert!(shown.contains("This is a ") && shown.contains(&format!("{right} of 360 right")), "{shown}");
}

/// The network is chosen so that the allocation has something to do.
#[test]
fn the_budget_of_digits_takes_all_widths() {
    let example = Example::new("digits");
    let allocation = example.prepared().allocate().unwrap();
    let weights: Vec<usize> = allocation.weights.iter().flatten().map(|bits| bits.count()).collect();
    assert!(weights.contains(&8) && weights.contains(&4) && weights.contains(&2), "{weights:?}");
    assert!(allocation.cuts.iter().any(|cut| !cut.weights), "{:?}", allocation.cuts);
}

/// Without the images the firmware still compiles; but then it has nothing to do, and the linker leaves the
/// network out.
#[test]
fn cifar10_is_the_same_on_device_linker_and_host() {
    let example = Example::new("cifar10");
    let (artifact, elf) = (example.artifact(), example.build());
    let accuracy = artifact.header.accuracy;
    assert_eq!(accuracy.test_images, 10_000);
    assert!(accuracy.integer >= 0.82, "{accuracy:?}");
    assert!((accuracy.integer - accuracy.fake_quant).abs() <= 0.002, "{accuracy:?}");

    let Some(images) = example.test_images() else { return };
    example.check_memory(&elf, &artifact);
    let some = images.select(&spread(images.len(), 100).collect::<Vec<_>>());
    let host = example.check_logits(&elf, &artifact, &some);
    let right = (100.0 * evaluate::score(&artifact, &host, &some)).round();
    let shown = firmware::run(Board::Stm32f405, &elf, &["cifar10"]);
    assert!(shown.contains(" is taken for ") && shown.contains(&format!("{right} of 100 right")), "{shown}");
}
