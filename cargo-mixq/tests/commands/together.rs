//! Several models in one firmware: what each may take, when artifacts stay fresh, and what commands say of
//! the sum.

use std::path::PathBuf;
use std::process::Command;

use mixq_build::engine::artifact;
use mixq_build::engine::artifact::State;
use mixq_build::engine::config::{BudgetOf, Config};
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::layers;
use mixq_build::engine::memory::{allocate, allocate_uniformly};
use mixq_build::engine::prepare::{Prepared, share};
use mixq_build::engine::report::FirmwareReport;
use mixq_format::{Artifact, Bits};
use mixq_tests::package::{Package, untrained};
use serde_json::Value;

const ANY: u64 = u64::MAX;

/// A layer list with this number of filters.
fn network(filters: usize) -> String {
    format!(
        "input = [4, 4, 1]\n[[layer]]\nop = \"conv\"\nfilters = {filters}\nkernel = 3\n[[layer]]\nop \
         = \"linear\"\n\
         features = 2\n"
    )
}

/// A package with these models, each with its filters and lines of its table, and with these lines of its
/// device.
fn package(models: &[(&str, usize, &str)], device: &str) -> Package {
    let package = Package::new();
    let mut manifest =
        "[package]\nname = \"firmware\"\nversion = \"0.1.0\"\nedition = \"2024\"\n".to_string();
    for (name, filters, lines) in models {
        package.write(&format!("{name}.toml"), &network(*filters));
        manifest += &format!(
            "[package.metadata.mixq.models.{name}]\nnetwork = \"{name}.toml\"\n\
             dataset = {{ path = \"images.csv\", test = 4 }}\n{lines}\n"
        );
    }
    package.write("Cargo.toml", &format!("{manifest}[package.metadata.mixq.device]\n{device}\n"));
    std::fs::create_dir(package.path("src")).unwrap();
    package.write("src/lib.rs", "");
    package
}

fn shared(package: &Package) -> Config {
    share(package.config()).unwrap_or_else(|error| panic!("{error}"))
}

fn budgets(config: &Config) -> Vec<(u64, u64)> {
    config.models.iter().map(|model| (model.flash, model.ram)).collect()
}

/// Flash and RAM of a network at these bits throughout.
fn uniform(filters: usize, bits: Bits) -> (u64, u64) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("n.toml");
    std::fs::write(&path, network(filters)).unwrap();
    let graph = Graph::resolve(&layers::read(&path).unwrap()).unwrap();
    let allocation = allocate_uniformly(&graph, bits, ANY, ANY, Default::default()).unwrap();
    if bits == Bits::B8 {
        let free = allocate(&graph, ANY, ANY, Default::default()).unwrap();
        assert_eq!((free.flash, free.ram), (allocation.flash, allocation.ram));
    }
    (allocation.flash, allocation.ram)
}

/// Writes the artifact of a model as it would be trained under the budgets that the package says now.
fn make(package: &Package, index: usize) -> Artifact {
    let config = shared(package);
    let prepared = Prepared::new(&config.models[index], None).unwrap();
    let artifact = untrained(&prepared);
    artifact::write(&path(package, index), &artifact).unwrap();
    artifact
}

fn path(package: &Package, index: usize) -> PathBuf {
    artifact::path(&package.path(""), &package.config().models[index].name)
}

/// A command of `cargo mixq` on the package: whether it was content, what it said, and its JSON.
fn mixq(package: &Package, arguments: &[&str]) -> (bool, String, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-mixq"))
        .arg("mixq")
        .args(arguments)
        .arg("--json")
        .current_dir(package.path(""))
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    let said =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    let last = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_string();
    (output.status.success(), said, serde_json::from_str(&last).unwrap_or_else(|_| panic!("{last}")))
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

#[test]
fn an_artifact_stays_fresh_while_its_bits_do() {
    // Room for 8 bits everywhere, and some that moves.
    let package = package(&[("a", 3, ""), ("b", 40, "")], "flash = 5000\nram = 3000");
    make(&package, 0);
    let state = |package: &Package| {
        let config = shared(package);
        let prepared = Prepared::new(&config.models[0], None).unwrap();
        let state = prepared.state(&path(package, 0)).unwrap();
        (matches!(state, State::Fresh(_)), prepared.reason(&state), prepared.fingerprint.clone())
    };
    let (fresh, _, before) = state(&package);
    assert!(fresh);
    package.write("b.toml", &network(39));
    let (fresh, reason, after) = state(&package);
    assert_ne!(before["budget.flash"], after["budget.flash"], "the other model moves the share");
    assert_eq!((fresh, reason), (true, None));
    // Now its weights lose bits.
    package.replace("Cargo.toml", "flash = 5000", "flash = 1700");
    let (fresh, reason, after) = state(&package);
    assert!(!fresh);
    let reason = reason.unwrap();
    let change = format!("`budget.flash` was {}, is {}", before["budget.flash"], after["budget.flash"]);
    assert!(reason.contains(&change), "{reason}");
    assert!(reason.ends_with("`flash` and `ram` in the model's own table fix it)"), "{reason}");
    // Another change besides is no matter of shares.
    package.replace("Cargo.toml", "flash = 1700", "flash = 5000");
    assert!(state(&package).0);
    package.write("a.toml", &network(4));
    assert!(!state(&package).0);
    package.write("a.toml", &network(3));
    // An own budget holds whatever the other model does.
    let own = format!("flash = {}\nram = {}\n", before["budget.flash"], before["budget.ram"]);
    package.replace(
        "Cargo.toml",
        "[package.metadata.mixq.models.b]",
        &format!("{own}[package.metadata.mixq.models.b]"),
    );
    package.replace("Cargo.toml", "flash = 5000", "flash = 1700");
    assert!(state(&package).0);
}

/// Whatever their headers say: the bytes of the files themselves.
#[test]
fn commands_say_the_sum_of_the_artifacts() {
    let package = package(&[("a", 3, ""), ("b", 40, "")], "flash = 5000\nram = 3000");
    let artifacts = [0, 1].map(|index| make(&package, index));
    let [flash, ram] = [Artifact::flash_bytes as fn(&Artifact) -> usize, Artifact::ram_bytes]
        .map(|of| artifacts.each_ref().map(|artifact| of(artifact) as u64));
    let bytes = mixq_build::engine::size::bytes;
    let line = |ram_sum: &str, flash_budget: &str| {
        format!(
            "firmware `firmware`, models a, b: flash {} + {} = {} of {flash_budget} B; RAM {ram_sum} of \
             3,000 B",
            bytes(flash[0]),
            bytes(flash[1]),
            bytes(flash[0] + flash[1])
        )
    };
    let sum = format!("{} + {} = {}", bytes(ram[0]), bytes(ram[1]), bytes(ram[0] + ram[1]));
    for command in [&["check"][..], &["report"], &["report", "--model", "a"], &["retrain"]] {
        if command[0] == "retrain" && !cfg!(feature = "train") {
            continue;
        }
        let (well, said, json) = mixq(&package, command);
        assert!(well && said.contains(&line(&sum, "5,000")), "{command:?}: {said}");
        let firmware = &json["firmware"][0];
        assert_eq!(firmware["flash_bytes"], flash[0] + flash[1]);
        assert_eq!(firmware["ram_bytes"], ram[0] + ram[1]);
        assert_eq!((&firmware["fits"], &firmware["flash_budget"]), (&true.into(), &5000.into()));
    }
    // Taking turns, they have the larger arena alone.
    package.replace("Cargo.toml", "ram = 3000", "ram = 3000\nshared-arena = true");
    let (_, said, json) = mixq(&package, &["report"]);
    let most = format!("{}, the most of {} and {} in one arena", bytes(ram[1]), bytes(ram[0]), bytes(ram[1]));
    assert!(ram[1] > ram[0] && said.contains(&line(&most, "5,000")), "{said}");
    assert_eq!(json["firmware"][0]["ram_bytes"], ram[1]);

    // Artifacts that were made for more than there is now.
    let less = flash[0] + flash[1] - 1;
    package.replace("Cargo.toml", "flash = 5000", &format!("flash = {less}"));
    for command in ["report", "check"] {
        let (well, said, json) = mixq(&package, &[command]);
        let over = format!(
            "the models `a`, `b` take {} + {} = {} of flash together, 1 B more than the {} there may be",
            bytes(flash[0]),
            bytes(flash[1]),
            bytes(less + 1),
            bytes(less)
        );
        assert!(!well && said.contains(&over), "{said}");
        assert_eq!((&json["ok"], &json["firmware"][0]["fits"]), (&false.into(), &false.into()));
    }
    // One without an artifact is not counted, and that is said.
    std::fs::remove_file(path(&package, 1)).unwrap();
    let (_, said, json) = mixq(&package, &["check"]);
    assert!(said.contains("not counted is what has no artifact: b"), "{said}");
    assert_eq!(json["firmware"][0]["missing"], serde_json::json!(["b"]));
}

#[test]
fn without_a_device_the_models_own_budgets_are_the_limit() {
    let package = package(&[("a", 3, "flash = 900\nram = 300"), ("b", 3, "flash = 800\nram = 200")], "");
    let config = shared(&package);
    let artifacts = [Some(make(&package, 0)), None];
    let report = FirmwareReport::new(&config, &artifacts);
    assert_eq!((report.flash_budget, report.ram_budget), (1700, 500));
    assert!(report.fits && report.problems().is_empty());
}

#[test]
fn a_model_that_is_not_there_is_answered_with_those_that_are() {
    let package = package(&[("digits", 3, ""), ("faces", 3, "")], "flash = 5000\nram = 3000");
    let (well, said, _) = mixq(&package, &["check", "--model", "digit"]);
    assert!(!well && said.contains("there is no model `digit`"), "{said}");
    assert!(said.contains("did you mean `digits`? models are `digits`, `faces`"), "{said}");
    let (_, said, _) = mixq(&package, &["check", "--model", "nosuch"]);
    assert!(
        said.contains("there is no model `nosuch`") && said.contains("models are `digits`, `faces`"),
        "{said}"
    );
}

/// Cargo shows only tables below `package.metadata`: others are looked for where no model is found.
#[test]
fn settings_that_nobody_reads_are_pointed_at_by_commands() {
    let package = package(&[("a", 3, "")], "flash = 5000\nram = 3000");
    for (place, right) in
        [("package.metadata.mixqq", "package.metadata.mixq"), ("package.mixq", "package.metadata.mixq")]
    {
        package.replace("Cargo.toml", "[package.metadata.mixq.", &format!("[{place}."));
        let (well, said, _) = mixq(&package, &["check"]);
        assert!(!well && said.contains(&format!("mixq does not read [{place}]")), "{said}");
        assert!(said.contains(&format!("call it [{right}]")), "{said}");
        package.replace("Cargo.toml", &format!("[{place}."), "[package.metadata.mixq.");
    }
    package.replace("Cargo.toml", "mixq.models.a", "mixq.model.a");
    let (well, said, _) = mixq(&package, &["check"]);
    assert!(!well && said.contains("did you mean `models`?"), "{said}");
}
