//! Functions of elements from the images to the device: trained, converted, compiled, executed in QEMU.

use mixq_format::Layer;

use super::on_device::OnDevice;
use super::*;

/// Hard swish after convolutions, sigmoid as a layer of its own, tanh before the linear layer; squeeze and
/// excite with a PReLU, a batch norm that stands alone, and a difference; sums and products with constants.
const NETWORKS: [(&str, &str); 5] = [
    (
        "hard_swish",
        r#"
        { op = "conv", filters = 12, kernel = 3, stride = 2, activation = "hard_swish" },
        { op = "depthwise", kernel = 3, activation = "relu6" },
        { op = "pointwise", filters = 15, activation = "hard_swish" },
        { op = "average_pool", kernel = 2 },
        "#,
    ),
    (
        "sigmoid",
        r#"
        { op = "conv", name = "a", filters = 10, kernel = 3, batch_norm = true },
        { op = "sigmoid" },
        { op = "conv", name = "b", filters = 10, kernel = 3 },
        { op = "add", inputs = ["a", "b"] },
        { op = "max_pool", kernel = 2 },
        "#,
    ),
    (
        "tanh",
        r#"
        { op = "conv", filters = 9, kernel = 3, activation = { leaky_relu = 0.1 } },
        { op = "max_pool", kernel = 2 },
        { op = "linear", features = 17, activation = "tanh" },
        "#,
    ),
    (
        "excite",
        r#"
        { op = "conv", name = "a", filters = 16, kernel = 3, stride = 2, activation = "hard_swish" },
        { op = "global_average_pool" },
        { op = "pointwise", filters = 8, batch_norm = false, activation = "relu" },
        { op = "pointwise", name = "gate", filters = 16, batch_norm = false, activation = "hard_sigmoid" },
        { op = "multiply", inputs = ["gate", "a"] },
        { op = "pointwise", filters = 16, activation = "none" },
        { op = "prelu", name = "b" },
        { op = "max_pool", kernel = 3, stride = 1, padding = 1 },
        { op = "batch_norm" },
        { op = "subtract", inputs = ["batch_norm1", "b"] },
        "#,
    ),
    (
        "constants",
        r#"
        { op = "conv", filters = 13, kernel = 3, stride = 2, activation = "none" },
        { op = "add_constant", activation = "hard_swish" },
        { op = "pointwise", filters = 12 },
        { op = "multiply_constant" },
        { op = "average_pool", kernel = 2 },
        "#,
    ),
];

/// What a package says of its bits, before its scheme.
const BITS: [(&str, &str); 3] =
    [("8", "policy = \"uniform-8\"\n"), ("4", "policy = \"uniform-4\"\n"), ("mixed", "")];

fn package(layers: &str, policy: &str, [flash, ram]: [u64; 2]) -> Package {
    let package =
        digits("per-channel", "epochs = 12, quantised-epochs = 6, batch = 16, learning-rate = 0.005");
    let end = "{ op = \"linear\", features = 10 },";
    package.write("net.toml", &format!("input = [8, 8, 1]\nlayer = [{layers}{end}]\n"));
    let budgets = BUDGET.iter().zip([flash, ram]);
    budgets.for_each(|((_, from), to)| package.replace("Cargo.toml", from, &format!("{to} B")));
    package.replace("Cargo.toml", "scheme =", &format!("{policy}scheme ="));
    package
}

#[test]
fn networks_with_functions_answer_on_the_device_as_they_were_trained() {
    let mut device = OnDevice::default();
    for (network, layers) in NETWORKS {
        // Much; for mixed bits less than what 8 bits take.
        let mut budget = [48 << 10, 6 << 10];
        for (bits, policy) in BITS {
            let package = package(layers, policy, budget);
            let mut artifact = train(&package);
            let accuracy = artifact.header.accuracy;
            println!("{network} {bits}: {accuracy:?}");
            assert!(accuracy.float > 0.6, "{network} {bits} learns: {accuracy:?}");
            assert!(accuracy.integer > accuracy.float - 0.15, "{network} {bits}: {accuracy:?}");
            assert!(accuracy.disagreements <= 2, "{network} {bits}: {accuracy:?}");
            check_tables(&artifact, bits);
            if bits == "8" {
                budget = [artifact.flash_bytes() as u64 * 3 / 4, artifact.ram_bytes() as u64 * 3 / 4];
            }

            artifact.header.name = format!("{network}_{bits}");
            device.add(&package, artifact);
        }
    }
    device.check("functions");
}

/// Each function works in the place of its input, or the input is read later.
fn check_tables(artifact: &Artifact, bits: &str) {
    let layers = artifact.layers();
    let mut tables = 0;
    for (index, layer) in layers.iter().enumerate() {
        let Layer::Elementwise(table) = layer else { continue };
        tables += 1;
        let read_later = layers[index + 1..].iter().any(|later| later.inputs().any(|t| *t == table.input));
        assert!(table.input.offset == table.output.offset || read_later, "{table:?}");
        let width = table.input.bits;
        assert!(bits == "mixed" || width.count().to_string() == bits, "{width:?} is not {bits}");
    }
    assert!(tables > 0);
}
