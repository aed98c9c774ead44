//! Artifacts of several models: which stay fresh, and what they take together.

use mixq_build::engine::artifact::State;
use mixq_build::engine::prepare::Prepared;
use mixq_build::engine::report::FirmwareReport;
use mixq_build::engine::target::place;
use mixq_format::Artifact;
use mixq_tests::package::Package;

use super::{make, mixq, network, package, path, shared};

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
    let report = FirmwareReport::new(&config, &place(None, &config, &artifacts));
    assert_eq!((report.flash_budget, report.ram_budget), (1700, 500));
    assert!(report.fits && report.problems().is_empty());
}
