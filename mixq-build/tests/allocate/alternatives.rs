//! What is offered where a network does not fit: it must fit, and nothing milder may.

use mixq_build::engine::config::Scheme;
use mixq_build::engine::config::chips::CHIPS;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import;
use mixq_build::engine::import::{Builtin, NetworkSource};
use mixq_build::engine::memory::allocate;
use mixq_build::engine::settings::Execution;
use mixq_build::engine::shortage::{MemoryModel, Request, Shortage};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{builtin, resolve};

const RESOLUTIONS: [usize; 8] = [224, 192, 160, 128, 96, 64, 48, 32];
const WIDTHS: [f64; 5] = [1.0, 0.75, 0.5, 0.35, 0.25];

fn request<'a>(source: &'a NetworkSource, graph: &'a Graph, flash: u64, ram: u64) -> Request<'a> {
    let memory_model = MemoryModel::Runtime { delta: 50_000, execution: Execution::Stripes };
    Request { who: "it".into(), source, graph, flash, ram, scheme: Scheme::PerChannel, memory_model }
}

/// Whether the allocator itself finds bits.
fn fits(source: &NetworkSource, flash: u64, ram: u64) -> bool {
    allocate(&resolve(source), flash, ram, Scheme::PerChannel).is_ok()
}

/// Checks what is offered for a built-in network against the allocator; counts offers.
fn check(chosen: &Builtin, flash: u64, ram: u64) -> usize {
    let source = NetworkSource::Builtin(chosen.clone());
    let graph = resolve(&source);
    let request = request(&source, &graph, flash, ram);
    let offered = request.alternatives().unwrap();
    let builtin_fits = |changed: Builtin| fits(&NetworkSource::Builtin(changed), flash, ram);
    let resolution = RESOLUTIONS.into_iter().find(|&resolution| {
        resolution < chosen.resolution && builtin_fits(Builtin { resolution, ..chosen.clone() })
    });
    let width = (WIDTHS.into_iter())
        .find(|&width| width < chosen.width && builtin_fits(Builtin { width, ..chosen.clone() }));
    assert_eq!((offered.resolution, offered.width, offered.input), (resolution, width, None));
    // The chip holds it, and none with less RAM does.
    let least = offered.chip.map_or(u64::MAX, |chip| chip.ram);
    assert!(offered.chip.is_none_or(|chip| fits(&source, chip.flash, chip.ram)));
    assert!(CHIPS.iter().all(|chip| chip.ram >= least || !fits(&source, chip.flash, chip.ram)));
    usize::from(resolution.is_some()) + usize::from(width.is_some())
}

#[test]
fn offers_of_built_in_networks_are_the_mildest_that_fit() {
    let mut offers = 0;
    for (name, flash, ram) in [
        ("mobilenet_v1", 4 << 20, 200 << 10),
        ("mobilenet_v1", 300 << 10, 512 << 10),
        ("mobilenet_v1", 64 << 10, 16 << 10),
        ("mobilenet_v2", 2 << 20, 128 << 10),
        ("mobilenet_v2", 600 << 10, 256 << 10),
        ("resnet8", 20 << 10, 6 << 10),
        ("ds_cnn", 20 << 10, 3 << 10),
    ] {
        offers += check(&builtin(name), flash, ram);
    }
    // In the least RAM its tensors have different bits: rows of 2 bits are no whole words.
    let odd = Builtin { width: 0.6, resolution: 65, ..builtin("resnet8") };
    offers += check(&odd, 10_000, 20_000);
    assert!(offers >= 6, "{offers} offers");
}

#[test]
fn shortages_are_both_told_and_agree_with_the_allocator() {
    let source = NetworkSource::Builtin(builtin("resnet8"));
    let graph = resolve(&source);
    // Stages would take some of the flash.
    let memory_model = MemoryModel::Runtime { delta: 50_000, execution: Execution::Whole };
    let least = memory_model.least(&graph, Scheme::PerChannel).unwrap();
    let kinds = |flash, ram| {
        let request = Request { memory_model, ..request(&source, &graph, flash, ram) };
        let problems = request.problems().unwrap();
        let kinds = problems.iter().map(|(shortage, _)| matches!(shortage, Shortage::Ram { .. }));
        kinds.collect::<Vec<bool>>()
    };
    assert_eq!(kinds(least.flash, least.ram), [false; 0]);
    assert_eq!(kinds(least.flash, least.ram - 1), [true]);
    assert_eq!(kinds(least.flash - 1, least.ram), [false]);
    assert_eq!(kinds(least.flash - 1, least.ram - 1), [true, false]);
    let [(Shortage::Flash { at_2_bits, at_8_bits, .. }, _)] =
        request(&source, &graph, 1, u64::MAX).problems().unwrap()[..]
    else {
        panic!("one byte of flash is too little")
    };
    let all = allocate(&graph, u64::MAX, u64::MAX, Scheme::PerChannel).unwrap();
    assert_eq!((at_2_bits, at_8_bits), (least.flash, all.flash));
}

/// A layer list, whose image is all that can be changed.
fn file(text: &str) -> (TempDir, NetworkSource) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("net.toml");
    std::fs::write(&path, text).unwrap();
    (folder, NetworkSource::File(path))
}

#[test]
fn a_layer_list_is_tried_with_smaller_images() {
    let chain = "layer = [{ op = \"conv\", filters = 8, kernel = 3, stride = 2 }, { op = \"depthwise\", \
                 kernel = 3 }, { op = \"global_average_pool\" }, { op = \"linear\", features = 4 }]";
    let (_folder, source) = file(&format!("input = [64, 48, 3]\n{chain}"));
    let graph = resolve(&source);
    let memory_model = MemoryModel::Runtime { delta: 50_000, execution: Execution::Stripes };
    let least = memory_model.least(&graph, Scheme::PerChannel).unwrap();
    for budget in [least.ram - 1, least.ram * 9 / 16, least.ram / 4, least.ram / 20, 90] {
        let offered = request(&source, &graph, u64::MAX, budget).alternatives().unwrap();
        assert_eq!((offered.resolution, offered.width), (None, None));
        let sides = [(48, 36), (32, 24), (24, 18), (16, 12), (12, 9), (8, 6)];
        let expected = sides.into_iter().find(|(height, width)| {
            let (_folder, smaller) = file(&format!("input = [{height}, {width}, 3]\n{chain}"));
            fits(&smaller, u64::MAX, budget)
        });
        let found = offered.input.map(|input| (input.height, input.width));
        assert_eq!(found, expected, "{budget}");
        assert!(offered.input.is_none_or(|input| input.channels == 3));
    }
}

/// A pool of a fixed size has room on the first image only.
#[test]
fn images_on_which_the_layers_have_no_room_are_passed_over() {
    let (_folder, source) = file(
        "input = [8, 8, 1]\nlayer = [{ op = \"conv\", filters = 8, kernel = 3 }, { op = \"average_pool\", \
         kernel = 8 }, { op = \"linear\", features = 4 }]",
    );
    let graph = resolve(&source);
    let offered = request(&source, &graph, u64::MAX, 100).alternatives().unwrap();
    assert_eq!(offered.input, None);
    assert_eq!(offered.chip.unwrap().name, "stm32f072rb");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_offer_is_ever_wrong(
        name in prop::sample::select(vec!["mobilenet_v1", "mobilenet_v2", "resnet8", "ds_cnn"]),
        width in prop::sample::select(vec![0.25, 0.6, 1.0]),
        resolution in 32_usize..130, flash in 10_000_u64..4_000_000, ram in 2_000_u64..200_000,
    ) {
        check(&Builtin { width, resolution, ..builtin(name) }, flash, ram);
    }

    /// What is offered by memory model `paper` fits by that model.
    #[test]
    fn offers_of_the_papers_model_fit_by_it(
        per_layer: bool, width in prop::sample::select(vec![0.25, 0.5, 1.0]),
        flash in 30_000_u64..2_000_000, ram in 10_000_u64..200_000,
    ) {
        let chosen = Builtin { width, ..builtin("mobilenet_v1") };
        let scheme = if per_layer { Scheme::PerLayer } else { Scheme::PerChannel };
        let memory_model = MemoryModel::Paper { delta: 50_000 };
        let source = NetworkSource::Builtin(chosen.clone());
        let graph = resolve(&source);
        let request = Request { scheme, memory_model, ..request(&source, &graph, flash, ram) };
        let offered = request.alternatives().unwrap();
        let changed = [
            offered.resolution.map(|resolution| Builtin { resolution, ..chosen.clone() }),
            offered.width.map(|width| Builtin { width, ..chosen.clone() }),
        ];
        for changed in changed.into_iter().flatten() {
            let imported = import::read(&NetworkSource::Builtin(changed)).unwrap();
            let graph = Graph::resolve(&imported.spec).unwrap();
            prop_assert_eq!(memory_model.shortages(&graph, flash, ram, scheme).unwrap(), []);
        }
        if let Some(chip) = offered.chip {
            prop_assert_eq!(memory_model.shortages(&graph, chip.flash, chip.ram, scheme).unwrap(), []);
        }
        let least = memory_model.least(&graph, scheme).unwrap();
        prop_assert_eq!(memory_model.shortages(&graph, least.flash, least.ram, scheme).unwrap(), []);
        prop_assert_eq!(memory_model.shortages(&graph, u64::MAX, least.ram - 1, scheme).unwrap().len(), 1);
    }
}
