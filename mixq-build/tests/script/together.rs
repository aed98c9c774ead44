//! Two models in one firmware.

use mixq_build::engine::artifact;
use mixq_build::engine::prepare::{Prepared, share};
use mixq_tests::package::{NETWORK, Package, untrained};

use crate::firmware::{Firmware, Output};

/// A second model beside that of the package, and fresh artifacts of both; bytes of each.
fn add_a_second_model(firmware: &Firmware) -> [(u64, u64); 2] {
    let package = &firmware.package;
    package.write("wide.toml", &NETWORK.replace("filters = 3", "filters = 9"));
    let manifest = std::fs::read_to_string(package.path("Cargo.toml")).unwrap();
    let model = "[package.metadata.mixq.models.wide]\nnetwork = \"wide.toml\"\n\
                 dataset = { path = \"images.csv\", test = 4 }\n";
    package.write("Cargo.toml", &format!("{manifest}\n{model}"));
    write_artifacts(package)
}

fn write_artifacts(package: &Package) -> [(u64, u64); 2] {
    let config = share(package.config()).unwrap();
    [0, 1].map(|index: usize| {
        let prepared = Prepared::new(&config.models[index], None).unwrap();
        let artifact = untrained(&prepared);
        let path = artifact::path(&package.path(""), &config.models[index].name);
        artifact::write(&path, &artifact).unwrap();
        (artifact.flash_bytes() as u64, artifact.ram_bytes() as u64)
    })
}

#[test]
fn models_that_share_an_arena_are_told_its_size() {
    let firmware = Firmware::new();
    let [tiny, wide] = add_a_second_model(&firmware);
    assert!(tiny.1 < wide.1);
    let arena = |found: &str| {
        let library = format!(
            "const ARENA: &str = match option_env!(\"MIXQ_ARENA_BYTES\") {{ Some(bytes) => bytes, None \
             => \"none\" }};\n\
             const _: () = assert!(matches!(ARENA.as_bytes(), {found}));\n"
        );
        let library = library
            + "const _: () = assert!(matches!(env!(\"MIXQ_MODEL_NAMES\").as_bytes(), b\"tiny,wide\"));\n";
        firmware.package.write("src/lib.rs", &library);
        let Output { succeeded, text } = firmware.cargo(&["build", "-vv"], &[]);
        assert!(succeeded && !text.contains("warning: firmware"), "{text}");
        text
    };
    let bytes = mixq_build::engine::size::bytes;
    let flash = format!("flash {} + {} = {}", bytes(tiny.0), bytes(wide.0), bytes(tiny.0 + wide.0));
    let text = arena("b\"none\"");
    let ram = format!("RAM {} + {} = {} of 6,144 B", bytes(tiny.1), bytes(wide.1), bytes(tiny.1 + wide.1));
    assert!(text.contains(&format!("{flash} of 49,152 B; {ram}")), "{text}");
    firmware.package.replace("Cargo.toml", "ram = \"6 KiB\"", "ram = \"6 KiB\"\nshared-arena = true");
    write_artifacts(&firmware.package);
    let text = arena(&format!("b\"{}\"", wide.1));
    let ram =
        format!("RAM {}, the most of {} and {} in one arena", bytes(wide.1), bytes(tiny.1), bytes(wide.1));
    assert!(text.contains(&ram), "{text}");
}

#[test]
fn models_that_are_too_large_together_stop_the_build() {
    let firmware = Firmware::new();
    let [tiny, wide] = add_a_second_model(&firmware);
    let sum = tiny.0 + wide.0;
    // Each fits alone, and the rules could make both smaller: for editors the artifacts of before are counted
    // as they are.
    let less = format!("flash = {}", sum - 1);
    firmware.package.replace("Cargo.toml", "flash = \"48 KiB\"", &less);
    let over = format!("= {} of flash together, 1 B more than", mixq_build::engine::size::bytes(sum));
    let Output { succeeded, text } = firmware.build(&[("RA_RUSTC_WRAPPER", "1")]);
    assert!(succeeded && text.contains(&over), "{text}");
    // Without any room there is nothing to train.
    firmware.package.replace("Cargo.toml", &less, &format!("flash = {}", wide.0 / 2));
    let flash = firmware.place(&format!("{}\n", wide.0 / 2));
    firmware.fails(&[], &[&flash, "the models need at least ", "of flash together (`tiny` ", "`wide` "]);
}
