//! The kernels for ARMv7E-M against the portable ones, on an emulated Cortex-M: thousands of random layers, every byte. `MIXQ_DIFFERENTIAL`
//! takes another number of layers.

use std::path::Path;
use std::process::Command;

use mixq_tests::firmware::{self, Board};

const LAYERS: u64 = 4000;
const SEED: u64 = 1;

#[test]
fn armv7em_kernels_answer_as_the_portable_ones_do() {
    let layers =
        std::env::var("MIXQ_DIFFERENTIAL").ok().map_or(LAYERS, |count| count.parse().expect("a number"));
    let target = "thumbv7em-none-eabihf";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--bin", "differential", "--target", target, "--target-dir"])
        .arg(&folder)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let elf = folder.join(target).join("release").join("differential");
    // In portions: each within the time that firmware may take.
    let [mut convolutions, mut depthwise, mut linear, mut additions, mut pools] = [0; 5];
    for start in (0..layers).step_by(1000) {
        let count = (layers - start).min(1000);
        let arguments = ["differential".to_string(), count.to_string(), (SEED + start).to_string()];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let printed = firmware::run(Board::CortexM7, &elf, &arguments);
        let mut counts =
            printed.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse::<u64>().ok());
        for count in [&mut convolutions, &mut depthwise, &mut linear, &mut additions, &mut pools] {
            *count += counts.next().expect("each kind of layer is counted");
        }
    }
    println!(
        "the same: convolutions {convolutions}, depthwise {depthwise}, fully connected {linear}, additions {additions}, pools {pools}"
    );
    assert!(
        convolutions >= layers / 3
            && depthwise >= layers / 8
            && linear >= layers / 20
            && additions >= layers / 12
            && pools >= layers / 12,
        "most of the layers have kernels of their own"
    );
}
