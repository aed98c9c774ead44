//! What each model may take of the device, and what is said if they do not fit together.

use mixq_build::engine::config::{BudgetOf, Config};
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::layers;
use mixq_build::engine::memory::{allocate, allocate_uniformly};
use mixq_build::engine::prepare::share;
use mixq_format::Bits;

use super::{mixq, network, package, shared};

const ANY: u64 = u64::MAX;

fn budgets(config: &Config) -> Vec<(u64, u64)> {
    config.models.iter().map(|model| (model.flash, model.ram)).collect()
}

/// Flash and RAM of a network at these bits throughout.
fn uniform(filters: usize, bits: Bits) -> (u64, u64) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("n.toml");
    std::fs::write(&path, network(filters)).unwrap();
    let graph = Graph::resolve(&layers::read(&path).unwrap().spec).unwrap();
    let allocation = allocate_uniformly(&graph, bits, ANY, ANY, Default::default()).unwrap();
    if bits == Bits::B8 {
        let free = allocate(&graph, ANY, ANY, Default::default()).unwrap();
        assert_eq!((free.flash, free.ram), (allocation.flash, allocation.ram));
    }
    (allocation.flash, allocation.ram)
}

/// Held against the definition by inequalities, in wide integers: between exact parts and one byte (or word)
/// less.
#[test]
fn models_share_the_device_by_their_distance_from_2_to_8_bits() {
    let filters = [3, 40, 11];
    let (flash, ram) = (4001, 900);
    let package = package(
        &[("a", filters[0], ""), ("b", filters[1], ""), ("c", filters[2], "")],
        &format!("flash = {flash}\nram = {ram}"),
    );
    let found = budgets(&shared(&package));
    let [least, full] = [Bits::B2, Bits::B8].map(|bits| filters.map(|filters| uniform(filters, bits)));
    for (whole, unit, of) in [(flash, 1, (|pair| pair.0) as fn((u64, u64)) -> u64), (ram, 4, |pair| pair.1)] {
        let shares: Vec<u64> = found.iter().map(|pair| of(*pair)).collect();
        let distance = |index: usize| i128::from(of(full[index]) - of(least[index]));
        let rest = i128::from(whole) - least.iter().map(|pair| i128::from(of(*pair))).sum::<i128>();
        assert!(rest > 0 && (0..3).all(|index| distance(index) > 0), "{rest}");
        let all: i128 = (0..3).map(distance).sum();
        for (index, share) in shares.iter().enumerate() {
            let over = i128::from(*share) - i128::from(of(least[index]));
            let error = rest * distance(index) - over * all;
            assert!((0..unit * all).contains(&error), "{shares:?}: {error} of {all}");
            assert!(share.is_multiple_of(unit as u64));
        }
        assert!(shares.iter().sum::<u64>() <= whole);
    }
}

#[test]
fn a_model_alone_gets_all_that_is_left() {
    let alone = package(&[("a", 3, "")], "flash = 4001\nram = 901");
    assert_eq!(budgets(&shared(&alone)), [(4001, 901)]);
    let beside = package(&[("a", 3, ""), ("b", 3, "flash = 1000\nram = 400")], "flash = 4001\nram = 901");
    let config = shared(&beside);
    assert_eq!(budgets(&config), [(3001, 501), (1000, 400)]);
    assert_eq!(config.models[0].flash_of, BudgetOf::Device);
    // Each of those that share an arena may take all of it; of flash there is no turn to take.
    let arena = package(&[("a", 3, ""), ("b", 3, "")], "flash = 4000\nram = 901\nshared-arena = true");
    assert_eq!(budgets(&shared(&arena)), [(2000, 901), (2000, 901)]);
}

#[test]
fn models_with_given_bits_get_what_these_take() {
    let (flash, ram) = uniform(40, Bits::B8);
    let package = package(&[("a", 40, "policy = \"uniform-8\""), ("b", 40, "")], "flash = 4000\nram = 4000");
    let config = shared(&package);
    assert_eq!(budgets(&config)[0], (flash, ram));
    assert_eq!(budgets(&config)[1], (4000 - flash, 4000 - ram));
}

#[test]
fn models_that_do_not_fit_together_say_the_least_of_each() {
    let [(a, a_ram), (b, b_ram)] = [3, 40].map(|filters| uniform(filters, Bits::B2));
    let (flash, ram) = (a + b - 1, a_ram + b_ram - 4);
    let models = [("a", 3, ""), ("b", 40, "")];
    let tight = package(&models, &format!("flash = {flash}\nram = {ram}"));
    let error = share(tight.config()).unwrap_err();
    let found: Vec<&str> = error.problems.iter().map(|problem| problem.message.as_str()).collect();
    let thousands = |bytes: u64| mixq_build::engine::size::bytes(bytes);
    let sum = |memory: &str, a: u64, b: u64, left: u64| {
        format!(
            "the models need at least {} of {memory} together (`a` {}, `b` {}), of {}",
            thousands(a + b),
            thousands(a),
            thousands(b),
            thousands(left)
        )
    };
    assert_eq!(found, [sum("flash", a, b, flash), sum("RAM", a_ram, b_ram, ram)]);
    let help: Vec<&str> = error.problems.iter().filter_map(|problem| problem.help.as_deref()).collect();
    assert_eq!(
        help,
        [
            "1 B more, smaller networks, or fewer models would fit",
            "4 B more, `shared-arena = true` if they run in turns, smaller networks, or fewer models \
             would fit",
        ]
    );
    let places: Vec<_> = error.problems.iter().map(|problem| problem.location.as_ref().unwrap()).collect();
    let lines: Vec<&str> = places.iter().map(|at| at.line_text()).collect();
    assert_eq!(lines, [format!("flash = {flash}"), format!("ram = {ram}")]);
    // Each fits alone, which is not enough: all commands say it, whichever model they are about.
    for command in [&["check"][..], &["check", "--model", "a"], &["report"], &["retrain", "--model", "b"]] {
        if command[0] == "retrain" && !cfg!(feature = "train") {
            continue;
        }
        let (well, said, json) = mixq(&tight, command);
        assert!(!well && said.contains(found[0]) && said.contains(found[1]), "{command:?}: {said}");
        assert_eq!(json["errors"].as_array().unwrap().len(), 2, "{json}");
    }
    let enough = package(&models, &format!("flash = {}\nram = {}", flash + 1, ram + 4));
    assert_eq!(budgets(&shared(&enough)), [(a, a_ram), (b, b_ram)]);
}

/// An image that cannot come in rows takes no number of bytes: the reason is said, not a shortage. By hand:
/// three pixels of a byte; two pixels of two codes of 2 bits, which are a byte each.
#[test]
fn a_model_whose_image_cannot_come_in_rows_is_no_shortage() {
    for (input, policy, reason) in [
        ("[4, 3, 1]", "", "a row of the image has 3 bytes"),
        (
            "[4, 2, 2]",
            "policy = \"uniform-2\"\n",
            "a row of the output of layer `conv1` (conv 3x3) has 2 bytes",
        ),
    ] {
        let rows = format!("{policy}execution = \"rows\"");
        let package = package(&[("a", 2, &rows), ("b", 2, "")], "flash = 5000\nram = 3000");
        package.replace("a.toml", "[4, 4, 1]", input);
        let error = share(package.config()).unwrap_err();
        let [problem] = &error.problems[..] else { panic!("{error}") };
        let expected = format!("model `a`: its image cannot come in rows: {reason}");
        assert!(problem.message.starts_with(&expected), "{error}");
        assert!(problem.help.as_ref().is_some_and(|help| help.contains("\"stripes\"")), "{error}");
        assert!(problem.location.is_some(), "{error}");
    }
}
