//! What a person is told whose network does not fit.

use mixq_build::engine::config::Config;
use mixq_build::engine::prepare::Prepared;
use mixq_format::Bits;
use tempfile::TempDir;

/// All that is said of the only model of a package with this network and device.
fn says(network: &str, device: &str) -> String {
    says_of(network, device, "\"none.csv\"")
}

/// The same with this dataset.
fn says_of(network: &str, device: &str, dataset: &str) -> String {
    let (folder, config) = package(network, device, dataset);
    let prepared = Prepared::new(&config.models[0], None).unwrap();
    let error = prepared.allocate().expect_err("it does not fit");
    error.to_string().replace(&format!("{}/", folder.path().display()), "")
}

/// The configuration of such a package.
fn package(network: &str, device: &str, dataset: &str) -> (TempDir, Config) {
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
    (folder, config)
}

/// The stem reads 200 points of 6 channels and writes 50 of 8, which are 1,200 and 400 B at 8 bits. Rows of 6
/// channels take 6, 3 and 2 B, rows of 8 take 8, 4 and 2 B. The rules cut the output first if it has more
/// bytes; here the input is the larger one.
#[test]
fn bits_of_an_input_that_the_device_makes_are_cut_by_the_rules() {
    let bits = |ram: u32, keys: &str, model: &str| {
        let device = format!("flash = 100000\nram = {ram}");
        let dataset = format!("{{ path = \"none.csv\"{keys} }}\n{model}");
        let (_folder, config) = package("\"series.toml\"", &device, &dataset);
        let prepared = Prepared::new(&config.models[0], None).unwrap();
        let allocation = prepared.allocate().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(allocation.tensors[0].bits, prepared.graph.inputs[0].bits);
        assert!(allocation.ram <= u64::from(ram), "{}", allocation.ram);
        [allocation.tensors[0].bits, allocation.tensors[1].bits]
    };
    let (samples, b8, b4, b2) = (", input = \"samples\"", Bits::B8, Bits::B4, Bits::B2);
    assert_eq!(bits(1600, samples, ""), [b8, b8]);
    // 600 + 400 B, where the output alone would have to have 2 bits: 1,200 + 100 B.
    assert_eq!(bits(1599, samples, ""), [b4, b8]);
    assert_eq!(bits(1300, samples, ""), [b4, b8]);
    // A window says samples, too.
    assert_eq!(bits(1599, ", window = 200", ""), [b4, b8]);
    // 600 + 200 B; 400 + 200 B.
    assert_eq!(bits(999, samples, ""), [b4, b4]);
    assert_eq!(bits(799, samples, "")[0], b2);
    // What the table says stays, and so do pixels.
    assert_eq!(bits(1599, ", input = { bits = 8 }", ""), [b8, b4]);
    assert_eq!(bits(1599, "", ""), [b8, b4]);
    // By sensitivity the input is cut where nothing else helps.
    let sensitivity = "policy = \"sensitivity\"";
    assert_eq!(bits(1599, samples, sensitivity)[0], b8);
    assert_eq!(bits(1299, samples, sensitivity)[0], b4);
    // Bits that all tensors have are those of tensors, not of inputs.
    assert_eq!(bits(1599, samples, "policy = \"uniform-4\""), [b8, b4]);
}

/// 96x96x3 bytes of image, and 48x48x8 elements of the stem at 2 bits, at 8 bits.
#[test]
fn layer_bytes_and_what_would_fit() {
    assert_eq!(
        says(
            "{ builtin = \"mobilenet_v1\", width = 0.25, resolution = 96, classes = 2 }",
            "flash = \"256K\"\nram = \"24K\""
        ),
        "Cargo.toml:5:7: model `person`: needs 28,040 B of RAM for layer 1 `stem` (conv 3x3) with all \
         activations at 2 bits, budget 24,576 B; at 8 bits it would need 28,328 B; the whole network needs \
         at least ram = \"28,040 B\"; try resolution = 64; unchanged it fits a whole nrf52832-qfab (flash \
         262,144 B, RAM 32,768 B) | ram = \"24K\""
    );
}

/// The second convolution reads 8x8x8 and writes 8x8x64 elements, at 2 bits a quarter of a byte each.
#[test]
fn layers_of_a_file() {
    assert_eq!(
        says("\"net.toml\"", "flash = 100000\nram = 700"),
        "Cargo.toml:5:7: model `person`: needs 1,152 B of RAM for layer 2 `wide` (conv 3x3) with all \
         activations at 2 bits, budget 700 B; at 8 bits it would need 4,520 B; the whole network needs at \
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
    let found = told(900, "{ bits = 8 }");
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
