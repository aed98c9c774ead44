//! A network that PyTorch has trained and exported as ONNX, from the file to the device.

use std::path::Path;

use super::on_device::OnDevice;
use super::*;

/// What PyTorch's network scores on the last 360 images: 323 of them are right (tests/models/digits_torch.py
/// prints the share).
const RIGHT: f64 = 323.0 / 360.0;

/// A package whose network is the file, with a budget in bytes and its training.
pub fn package([flash, ram]: [u64; 2], training: &str) -> Package {
    let package = Package::new();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let copy = |from: &str, to: &str| {
        std::fs::copy(repository.join(from), package.path(to)).unwrap();
    };
    copy("tests/models/digits_torch.onnx", "digits.onnx");
    copy("examples/digits/data/digits.csv.gz", "digits.csv.gz");
    package.replace("Cargo.toml", "\"images.csv\", test = 4", "\"digits.csv.gz\", test = 360");
    package.replace("Cargo.toml", "\"net.toml\"", "\"digits.onnx\"\ninput = { mean = 0, std = 16 }");
    package.replace("Cargo.toml", "48 KiB", &format!("{flash} B"));
    package.replace("Cargo.toml", "6 KiB", &format!("{ram} B"));
    package.replace("Cargo.toml", "training = {}", &format!("training = {training}"));
    package
}

#[test]
fn a_network_from_pytorch_keeps_its_score_and_its_bits() {
    let mut device = OnDevice::default();
    let mut add = |name: &str, package: &Package| -> Artifact {
        let mut artifact = train(package);
        println!("{name}: {:?}", artifact.header.accuracy);
        artifact.header.name = name.to_string();
        device.add(package, artifact.clone());
        artifact
    };
    let whole = package([48 << 10, 6 << 10], "\"none\"");
    let calibrated = add("calibrated", &whole);
    let accuracy = calibrated.header.accuracy;
    assert!((accuracy.float - RIGHT).abs() < 1e-9, "as PyTorch has it: {accuracy:?}");
    assert!(accuracy.integer > RIGHT - 0.02, "{accuracy:?}");

    // Two thirds of the flash, three quarters of the RAM: some tensors lose bits.
    let budget = [calibrated.flash_bytes() as u64 * 2 / 3, calibrated.ram_bytes() as u64 * 3 / 4];
    let cut = add("cut", &package(budget, "\"none\"")).header.accuracy;
    let settings = "{ method = \"finetune\", quantised-epochs = 8 }";
    let tuned = add("tuned", &package(budget, settings)).header.accuracy;
    assert!((tuned.float - RIGHT).abs() < 1e-9, "the teacher is the file's network: {tuned:?}");
    assert!(tuned.integer > RIGHT - 0.03, "{tuned:?}");
    assert!(tuned.integer >= cut.integer, "{tuned:?} after {cut:?}");
    device.check("imported");
}

#[test]
fn from_scratch_nothing_of_the_file_is_left_but_its_layers() {
    let package = package([48 << 10, 6 << 10], "{ method = \"scratch\", epochs = 1, quantised-epochs = 1 }");
    let artifact = train(&package);
    assert!((artifact.header.accuracy.float - RIGHT).abs() > 0.01, "{:?}", artifact.header.accuracy);
    let inputs = &artifact.header.fingerprint;
    assert!(!inputs.contains_key("weights"), "{inputs:?}");
}

#[test]
fn how_pixels_were_changed_must_be_said() {
    let package = package([48 << 10, 6 << 10], "\"none\"");
    package.replace("Cargo.toml", "\ninput = { mean = 0, std = 16 }", "");
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    assert!(error.contains("does not say how pixels were changed"), "{error}");
    assert!(error.contains("input = { mean = 0, std = 255 }"), "{error}");
}
