//! Own budgets of models within that of the device.

use mixq_build::engine::config::{BudgetOf, Config};

use crate::manifest::{PACKAGE, check, load};

/// A Cargo.toml of three models, of which two have these lines, and a device that has these.
fn manifest(a: &str, b: &str, device: &str) -> String {
    let model = |name: &str, lines: &str| {
        format!("[package.metadata.mixq.models.{name}]\nnetwork = \"n.toml\"\ndataset = \"d.csv\"\n{lines}\n")
    };
    let device = format!("[package.metadata.mixq.device]\n{device}\n");
    format!("{PACKAGE}{device}{}{}{}", model("a", a), model("b", b), model("c", ""))
}

fn budgets(config: &Config) -> Vec<(u64, u64)> {
    config.models.iter().map(|model| (model.flash, model.ram)).collect()
}

#[test]
fn own_budgets_are_taken_from_the_devices_first() {
    let config = load(&manifest("flash = 300\nram = 40", "flash = 500", "flash = 1000\nram = 100")).unwrap();
    assert_eq!(budgets(&config), [(300, 40), (500, 60), (200, 60)]);
    let of = config.models.iter().map(|model| (model.flash_of, model.ram_of)).collect::<Vec<_>>();
    let (model, device) = (BudgetOf::Model, BudgetOf::Device);
    assert_eq!(of, [(model, model), (model, device), (device, device)]);
    // The reserve is the application's.
    let reserved = load(&manifest("ram = 40", "", "flash = 9\nram = 100\nreserve-ram = 30")).unwrap();
    assert_eq!(budgets(&reserved).iter().map(|budget| budget.1).collect::<Vec<_>>(), [40, 30, 30]);
    assert_eq!(reserved.device.ram.unwrap().bytes, 70);
}

#[test]
fn own_budgets_alone_need_no_device() {
    let two =
        manifest("flash = 9\nram = 9", "flash = 9\nram = 9", "").replace("models.c]", "models.b.training]");
    let two = two.replace(
        "[package.metadata.mixq.models.b.training]\nnetwork = \"n.toml\"\ndataset = \"d.csv\"\n",
        "",
    );
    let config = load(&two).unwrap();
    assert_eq!((budgets(&config), config.device.flash), (vec![(9, 9), (9, 9)], None));
}

#[test]
fn own_budgets_over_the_devices_say_all_numbers() {
    check(
        &manifest("flash = 40_000", "flash = ^30_000\nram = ^2_000", "flash = 48_000\nram = 1_000"),
        &[
            "the models' own `flash` are 70,000 B together (`a` 40,000 B, `b` 30,000 B), but the device has \
             48,000 B for all models (Cargo.toml:4:9); take 22,000 B or more off, or leave `flash` out: \
             models without it share what is left",
            "`ram` of model `b` is 2,000 B, but the device has 1,000 B for all models (Cargo.toml:5:7); \
             take 1,000 B or more off, or leave `ram` out: models without it share what is left",
        ],
    );
}

#[test]
fn models_in_a_shared_arena_may_each_take_all_of_it() {
    let device = "flash = 1000\nram = 100\nshared-arena = true";
    let config = load(&manifest("ram = 90", "ram = 80", device)).unwrap();
    assert_eq!(budgets(&config).iter().map(|budget| budget.1).collect::<Vec<_>>(), [90, 80, 100]);
    check(
        &manifest("ram = ^101", "ram = ^102", device),
        &[
            "`ram` of model `a` is 101 B, but the device has 100 B for all models (Cargo.toml:5:7); take 1 \
             B or more off, or leave `ram` out: models without it share what is left",
            "`ram` of model `b` is 102 B, but the device has 100 B for all models (Cargo.toml:5:7); take 2 \
             B or more off, or leave `ram` out: models without it share what is left",
        ],
    );
    check(
        &manifest("", "", "flash = 1\nram = 1\nshared-arena = ^1"),
        &["`shared-arena` is an integer, it must be true or false"],
    );
}
