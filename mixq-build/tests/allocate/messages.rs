//! What a person is told whose network does not fit.

use mixq_build::engine::config::Config;
use mixq_build::engine::prepare::Prepared;
use tempfile::TempDir;

/// All that is said of the only model of a package with this network and device.
fn says(network: &str, device: &str) -> String {
    says_of(network, device, "\"none.csv\"")
}

/// The same with this dataset.
fn says_of(network: &str, device: &str, dataset: &str) -> String {
    let folder = TempDir::new().unwrap();
    let manifest = format!(
        "[package]\nname = \"firmware\"\n[package.metadata.mixq.device]\n{device}\n\
         [package.metadata.mixq.models.person]\nnetwork = {network}\ndataset = {dataset}\n"
    );
    std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    let layers = "input = [8, 8, 1]\nlayer = [{ op = \"conv\", filters = 8, kernel = 3 }, { op = \"conv\", \
                  name = \"wide\", filters = 64, kernel = 3 }, { op = \"global_average_pool\" }, { op \
                  = \"linear\", features = 4 }]";
    std::fs::write(folder.path().join("net.toml"), layers).unwrap();
    let series = "input = [1, 200, 6]\nlayer = [{ op = \"conv\", name = \"stem\", filters = 8, \
                  kernel = [1, 5], stride = [1, 4] }, { op = \"global_average_pool\" }, { \
                  op = \"linear\", features = 4 }]";
    std::fs::write(folder.path().join("series.toml"), series).unwrap();
    let config = Config::load(folder.path()).unwrap();
    let prepared = Prepared::new(&config.models[0], None).unwrap();
    let error = prepared.allocate().expect_err("it does not fit");
    error.to_string().replace(&format!("{}/", folder.path().display()), "")
}

/// 96x96x3 bytes of image, and 48x48x8 elements of the stem at 2 bits, at 8 bits.
#[test]
fn layer_bytes_and_what_would_fit() {
    assert_eq!(
        says(
            "{ builtin = \"mobilenet_v1\", width = 0.25, resolution = 96, classes = 2 }",
            "flash = \"256K\"\nram = \"24K\""
        ),
        "Cargo.toml:5:7: model `person`: needs 32,256 B of RAM for layer 1 `stem` (conv 3x3) with all \
         activations at 2 bits, budget 24,576 B; at 8 bits it would need 46,080 B; the whole network needs \
         at least ram = \"32,256 B\"; try resolution = 64; unchanged it fits a whole nrf52832-qfab (flash \
         262,144 B, RAM 32,768 B) | ram = \"24K\""
    );
}

/// The second convolution reads 8x8x8 and writes 8x8x64 elements, at 2 bits a quarter of a byte each.
#[test]
fn layers_of_a_file() {
    assert_eq!(
        says("\"net.toml\"", "flash = 100000\nram = 700"),
        "Cargo.toml:5:7: model `person`: needs 1,152 B of RAM for layer 2 `wide` (conv 3x3) with all \
         activations at 2 bits, budget 700 B; at 8 bits it would need 4,608 B; the whole network needs at \
         least ram = \"1,152 B\"; try input = [6, 6, 1]; unchanged it fits a whole stm32f072rb (flash \
         131,072 B, RAM 16,384 B) | ram = 700"
    );
}

/// 200 points in time of 6 bytes, or of 3; and 50 of 8 channels, at 2 bits.
#[test]
fn where_the_device_makes_codes_fewer_bits_may_help() {
    let told = |ram: u32, input: &str| {
        let device = format!("flash = 100000\nram = {ram}");
        says_of("\"series.toml\"", &device, &format!("{{ path = \"none.csv\", input = {input} }}"))
    };
    let found = told(900, "\"samples\"");
    assert!(found.contains("needs 1,300 B of RAM for layer 1 `stem`"), "{found}");
    assert!(
        found.contains("; with bits = 4 in `input` of the dataset's table it fits | ram = 900"),
        "{found}"
    );
    let found = told(600, "{ bits = 4 }");
    assert!(found.contains("needs 700 B of RAM for layer 1 `stem`"), "{found}");
    assert!(found.contains("; with bits = 2 in `input` of the dataset's table it fits | "), "{found}");
    assert!(!told(200, "\"samples\"").contains("it fits |"));
    let pixels = says("\"series.toml\"", "flash = 100000\nram = 900");
    assert!(!pixels.contains("bits = 4"), "{pixels}");
}

#[test]
fn flash_names_the_largest_layer() {
    let found = says("\"net.toml\"", "flash = 1500\nram = 10000");
    let expected = "Cargo.toml:4:9: model `person`: needs ";
    assert!(found.starts_with(expected), "{found}");
    let parts = [
        " B of flash with all weights at 2 bits, budget 1,500 B; at 8 bits it would need ",
        " B; the largest is layer 2 `wide` (conv 3x3) with 4,608 weights; it needs at least flash = \"",
        "\"; no usual change of image or width alone makes it fit; unchanged it fits a whole stm32f072rb ",
    ];
    for part in parts {
        assert!(found.contains(part), "{found}");
    }
}

#[test]
fn flash_and_ram_are_told_at_once_each_at_its_place() {
    let found =
        says("\"resnet8\"", "chip = \"stm32f072rb\"\nreserve-flash = \"127 KiB\"\nreserve-ram = \"15K\"");
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 2, "{found}");
    for (line, what) in
        lines.iter().zip(["of RAM for layer ", "of flash with all weights at 2 bits, budget 1,024 B"])
    {
        assert!(line.starts_with("Cargo.toml:4:8: model `person`: needs ") && line.contains(what), "{line}");
        assert!(line.ends_with(" | chip = \"stm32f072rb\""), "{line}");
    }
    assert!(!lines[0].contains("unchanged") && lines[1].contains("unchanged it fits a whole "), "{found}");
}

#[test]
fn nothing_fits_at_all() {
    let found = says(
        "{ builtin = \"mobilenet_v1\", resolution = 2048, width = 0.2 }",
        "flash = \"1 KiB\"\nram = \"1 KiB\"",
    );
    assert!(found.contains("no usual change of image or width alone makes it fit"), "{found}");
    assert!(found.contains("; unchanged it fits no listed chip | "), "{found}");
}
