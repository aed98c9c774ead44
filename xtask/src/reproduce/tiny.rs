//! Table g: the networks of MLPerf Tiny with their own weights, beside TFLM with CMSIS-NN.

use std::fmt::Write;

use super::page::{MISSING, percent, points};
use super::{Network, Networks};
use crate::process::thousands;

/// A network of the benchmark, with its rows.
struct Benchmark {
    name: &'static str,
    /// Bytes of the 8-bit file, which TFLM has in flash.
    file_bytes: u64,
    /// Bytes of the largest tensors that a layer needs at once, which TFLM has in its arena whole.
    tensor_bytes: u64,
    /// Instructions of TFLM with CMSIS-NN, as in docs/kernels.md.
    tflm_instructions: u64,
    /// The model that has the integers of the file; the others are compared with it.
    as_imported: &'static str,
    /// What became of the weights, and the model.
    rows: &'static [(&'static str, &'static str)],
}

const CALIBRATED: &str = "calibrated";
const TUNED: &str = "fine-tuned";

const BENCHMARKS: [Benchmark; 3] = [
    Benchmark {
        name: "ResNet-8",
        file_bytes: 98_496,
        tensor_bytes: 49_152,
        tflm_instructions: 29_900_000,
        as_imported: "tiny_resnet8_8_bits",
        rows: &[
            (CALIBRATED, "tiny_resnet8_in_64"),
            (CALIBRATED, "tiny_resnet8_in_48"),
            (CALIBRATED, "tiny_resnet8_in_32"),
            (TUNED, "tiny_resnet8_in_32_tuned"),
        ],
    },
    Benchmark {
        name: "DS-CNN",
        file_bytes: 53_936,
        tensor_bytes: 16_000,
        tflm_instructions: 7_700_000,
        as_imported: "tiny_kws_8_bits",
        rows: &[
            (CALIBRATED, "tiny_kws_whole"),
            (CALIBRATED, "tiny_kws_three_quarters"),
            (TUNED, "tiny_kws_half"),
        ],
    },
    Benchmark {
        name: "VWW",
        file_bytes: 333_288,
        tensor_bytes: 55_296,
        tflm_instructions: 24_100_000,
        as_imported: "tiny_vww_8_bits",
        rows: &[
            (CALIBRATED, "tiny_vww_in_160"),
            (CALIBRATED, "tiny_vww_in_128"),
            (CALIBRATED, "tiny_vww_in_96"),
        ],
    },
];

const INTRODUCTION: &str = "
## g. The networks of MLPerf Tiny, with their own weights

The reference networks of the benchmark as their files have them (github.com/mlcommons/tiny, \
Apache-2.0): their own 8-bit integers as imported, and their weights at the bits that a budget leaves, \
chosen by what each tensor minds (`policy = \"sensitivity\"`). Calibrated: quantised layer after layer \
on images, nothing trained. Fine-tuned: trained at these bits towards the answers of the float network. \
`to 8 bits` is the difference from the file's own integers, in points, on the same images.

* ResNet-8 for CIFAR-10: 512 of the training images calibrate, two epochs on 47,500 of them fine-tune, \
all 10,000 test images measure. It was trained on the originals of these JPEG images, which are easier.
* DS-CNN for keywords: of 500 recordings that came with the file, 200 calibrate and 300 measure (the \
standard error is 1.7 points). There is no float file: float is the 8-bit file times its scales. In half \
of the flash a layer's weights have one scale (`scheme = \"per-layer-folded\"`): the tables of a scale \
for each channel are 7 of the 28 KB. That and the settings of its fine-tuning were chosen on halves of \
the 200, where they hardly differ; with the usual `temperature` of 2 it is 89.67. Its kernels for such \
tables are slower.
* VWW (person or not): no labelled images came with the files. Figures say for how many of 650 photos of \
ImageNet, scaled to 96x96, the answer is that of the network in floats, which sees persons in 108 of them; \
as imported, that of the 8-bit file in floats.
* The autoencoder of anomaly detection is not among the files; [kernels.md](kernels.md) has its size and \
its instructions with random weights.

Instructions are those of an inference on a Cortex-M4 in the least RAM, by the cost model, which is \
within 2 % of QEMU's counts. TFLM has the file in flash, beside it some 50 KB of code (counted for \
person detection); its instructions with CMSIS-NN were counted in QEMU (see \
[kernels.md](kernels.md#networks)). Its planner keeps whole tensors as long as they are read, so its arena \
has at least those that are needed at once; the interpreter's own data are not in this \
figure. Of person detection, which has VWW's layers and such tensors of 55,296 B, the arena took 82 KB. \
Code of kernels is in no row.

| network | budget: flash, RAM | weights | float, % | right, % | to 8 bits | flash, B | RAM, B | \
M instructions |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
";

/// The table in Markdown.
pub fn section(networks: &Networks) -> String {
    let mut text = INTRODUCTION.to_string();
    for Benchmark { name, file_bytes, tensor_bytes, tflm_instructions, as_imported, rows } in BENCHMARKS {
        let tflm = tflm_instructions as f64 / 1e6;
        let _ = writeln!(
            text,
            "| {name}, TFLM | | as they are | | | | {} | at least {} | {tflm:.1} |",
            thousands(file_bytes),
            thousands(tensor_bytes)
        );
        let base = networks.get(as_imported);
        row(&mut text, name, "as imported", base, None);
        for (weights, model) in rows {
            row(&mut text, name, weights, networks.get(*model), base);
        }
    }
    text
}

fn row(text: &mut String, name: &str, weights: &str, network: Option<&Network>, base: Option<&Network>) {
    let Some(network) = network else {
        let _ = writeln!(text, "| {name} | | {weights} | {MISSING} | | | | | |");
        return;
    };
    let [flash, ram] = [network.flash_budget, network.ram_budget].map(thousands);
    // Of agreement a network in floats has all.
    let float = if network.agreement { String::new() } else { percent(network.float_accuracy) };
    let right = percent(network.integer_accuracy) + if network.agreement { " (agrees)" } else { "" };
    let compared = base.filter(|base| !base.agreement);
    let apart =
        compared.map_or(String::new(), |base| points(network.integer_accuracy - base.integer_accuracy));
    let _ = writeln!(
        text,
        "| {name} | {flash} B, {ram} B | {weights} | {float} | {right} | {apart} | {} | {} | {} |",
        thousands(network.flash_bytes),
        thousands(network.ram_bytes),
        network.instructions.map_or("-".to_string(), millions)
    );
}

fn millions(count: u64) -> String {
    format!("{:.2}", count as f64 / 1e6)
}

/// The models of the table.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    BENCHMARKS.into_iter().flat_map(|benchmark| {
        [benchmark.as_imported].into_iter().chain(benchmark.rows.iter().map(|(_, model)| *model))
    })
}
