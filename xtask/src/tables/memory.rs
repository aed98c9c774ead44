//! docs/memory.md: RAM of networks on whole tensors and in stripes of rows.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::mixq::Mixq;
use crate::process::{repository, thousands};

/// The file that is written.
pub const FILE: &str = "docs/memory.md";

/// The Rust target whose instructions are counted.
const TARGET: &str = "thumbv7em-none-eabihf";

/// Other networks than those of the MobileNetV1 family: a name, and what `cargo mixq allocate` takes.
const OTHERS: [(&str, &[&str]); 11] = [
    ("MobileNetV2 1.0_224", &["mobilenet_v2", "--width", "1.0", "--resolution", "224"]),
    ("MobileNetV2 0.35_128", &["mobilenet_v2", "--width", "0.35", "--resolution", "128"]),
    ("MobileNetV3-small 1.0_224", &["mobilenet_v3_small"]),
    ("ShuffleNetV2 1.0_224", &["shufflenet_v2"]),
    ("SqueezeNet 1.1_224", &["squeezenet"]),
    ("ResNet-8", &["resnet8"]),
    ("DS-CNN", &["ds_cnn"]),
    ("visual wake words", &["mobilenet_v1", "--width", "0.25", "--resolution", "96", "--classes", "2"]),
    (
        "person detection",
        &["mobilenet_v1", "--width", "0.25", "--resolution", "96", "--classes", "2", "--channels", "1"],
    ),
    ("U-Net 96x96", &["experiments/networks/unet.toml"]),
    ("pyramid of features 128x128", &["experiments/networks/pyramid.toml"]),
];

/// Budgets of RAM in bytes, the first of which is the paper's.
const BUDGETS: [u64; 3] = [512_000, 262_144, 131_072];

/// Parts of the RAM of whole tensors.
const PARTS: [u64; 3] = [2, 3, 4];

/// A network of windows of spectra.
const WORDS: &str = "experiments/networks/words.toml";

/// Rows from one window to the next one.
const HOPS: [&str; 4] = ["1", "5", "10", "25"];

/// What `cargo mixq allocate` answers.
#[derive(Deserialize)]
struct Answer {
    macs: u64,
    ram_bytes: u64,
    instructions: u64,
    uncut: Uncut,
}

#[derive(Deserialize)]
struct Uncut {
    whole_bytes: u64,
    stripes_bytes: u64,
    rows_bytes: Option<u64>,
}

/// Writes the page; answers the number of networks.
pub fn write(mixq: &Mixq) -> Result<usize> {
    let family = super::WIDTHS.into_iter().flat_map(|width| {
        let arguments = move |resolution| vec!["mobilenet_v1", "--width", width, "--resolution", resolution];
        super::RESOLUTIONS.map(|resolution| (format!("{width}_{resolution}"), arguments(resolution)))
    });
    let family = family.map(|(name, arguments)| (format!("MobileNetV1 {name}"), arguments));
    let others = OTHERS.iter().map(|(name, arguments)| (name.to_string(), arguments.to_vec()));
    let (mut text, mut in_parts, mut networks) = (INTRODUCTION.to_string(), PARTLY.to_string(), 0);
    let mut fits = [[0; 3]; BUDGETS.len()];
    for (name, arguments) in family.chain(others) {
        let whole = allocate(mixq, &arguments, None)?;
        let stripes = allocate(mixq, &arguments, Some(whole.uncut.stripes_bytes))?;
        let Uncut { whole_bytes, stripes_bytes, rows_bytes } = whole.uncut;
        let more = |answer: &Answer| {
            let more = answer.instructions as f64 / whole.instructions as f64 - 1.0;
            format!("{:+.1} %", 100.0 * more)
        };
        let part = |part: u64| {
            let ram = whole_bytes / part;
            let fits = ram >= stripes_bytes;
            fits.then(|| allocate(mixq, &arguments, Some(ram))).transpose()
        };
        let parts: Vec<Option<Answer>> = PARTS.into_iter().map(part).collect::<Result<_>>()?;
        let parts = parts.iter().map(|answer| answer.as_ref().map_or("-".to_string(), &more));
        let _ = writeln!(in_parts, "| {name} | {} |", parts.collect::<Vec<_>>().join(" | "));
        let _ = writeln!(
            text,
            "| {name} | {:.1} | {} | {} | {:.0} % | {} | {} | {} |",
            whole.macs as f64 / 1e6,
            thousands(whole_bytes),
            thousands(stripes_bytes),
            100.0 * stripes_bytes as f64 / whole_bytes as f64,
            thousands(whole.instructions),
            more(&stripes),
            rows_bytes.map_or("-".to_string(), thousands),
        );
        if name.starts_with("MobileNetV1 ") {
            for (fits, budget) in fits.iter_mut().zip(BUDGETS) {
                fits[0] += usize::from(whole_bytes <= budget);
                fits[1] += usize::from(stripes_bytes <= budget);
                fits[2] += usize::from(rows_bytes.is_some_and(|bytes| bytes <= budget));
            }
        }
        networks += 1;
    }
    text += &in_parts;
    text += FITS;
    for (budget, [whole, stripes, rows]) in BUDGETS.into_iter().zip(fits) {
        let budget = thousands(budget);
        let _ = writeln!(text, "| {budget} B | {whole} of 16 | {stripes} of 16 | {rows} of 16 |");
    }
    text += &windows(mixq)?;
    networks += 1;
    text += OTHER_TOOLS;
    let path = repository(FILE);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(networks)
}

/// The table of windows that overlap.
fn windows(mixq: &Mixq) -> Result<String> {
    let mut text = WINDOWS.to_string();
    let whole = allocate(mixq, &[WORDS], None)?;
    let ram = whole.ram_bytes;
    let mut row = |name: &str, answer: &Answer| {
        let share = 100.0 * answer.instructions as f64 / whole.instructions as f64;
        let (ram, instructions) = (thousands(answer.ram_bytes), thousands(answer.instructions));
        let _ = writeln!(text, "| {name} | {ram} | {instructions} | {share:.0} % |");
    };
    row("none: whole tensors", &whole);
    for hop in HOPS {
        let answer = allocate(mixq, &[WORDS, "--execution", "rows", "--hop", hop], Some(ram))?;
        row(hop, &answer);
    }
    Ok(text)
}

/// A network with 8 bits for all activations, in at most `ram` bytes.
fn allocate(mixq: &Mixq, arguments: &[&str], ram: Option<u64>) -> Result<Answer> {
    let ram = ram.map(|bytes| bytes.to_string());
    // A layer list is a file of the repository.
    let network = match arguments[0] {
        file if file.ends_with(".toml") => repository(file).display().to_string(),
        name => name.to_string(),
    };
    let mut all = [&[&network[..]], &arguments[1..], &["--target", TARGET]].concat();
    all.extend(ram.iter().flat_map(|bytes| ["--ram", bytes]));
    let answer = mixq.quiet_json("allocate", &all)?;
    Answer::deserialize(&answer).with_context(|| format!("`cargo mixq allocate` answered {answer}"))
}

const INTRODUCTION: &str = "\
# RAM without cutting activations

A layer need not have its whole input and output in RAM: a convolution of height 3 needs three rows. Where \
whole tensors
do not fit the budget, mixq executes runs of layers in stripes of rows. The arena then holds, of the tensors \
inside such
a run, only the rows that are still needed. What the run writes lies over what it reads, where that is no \
longer
needed. No row is computed twice, and the answers are the same, bit for bit. Bits are cut only where that \
does not suffice.
`execution = \"whole\"` in Cargo.toml keeps whole tensors.

All activations have 8 bits; image and logits are included. Instructions are those of a Cortex-M4 by the \
cost model: on
whole tensors in the arena that is fastest, and how many more there are in the least RAM, where kernels also \
have the
least room to work in. Written by `cargo xtask tables`; one row is

```sh
cargo mixq allocate mobilenet_v1 --width 0.75 --resolution 224 --target thumbv7em-none-eabihf --json
```

(`uncut`, `instructions`), and the same with `--ram` and the bytes of the fourth column. The last column \
is the RAM where
the image comes in rows, and never lies in the arena whole (`execution = \"rows\"`). The image of DS-CNN \
cannot: its rows
of 10 bytes are not whole words. The last two networks are layer lists in `experiments/networks`, which make \
images smaller
and larger again.

| network | M MAC | whole tensors, B | stripes, B | of that | instructions | in stripes | rows from \
outside, B |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

const PARTLY: &str = "
Instructions more in a part of the RAM of whole tensors (`--ram` and these bytes). `-`: activations would \
lose bits. Of
several ways that fit mixq takes the one with the fewest instructions. Kernels take fewer where they have \
bytes to work in:

| network | in half of it | in a third | in a quarter |
| --- | ---: | ---: | ---: |
";

const FITS: &str = "
Networks of the paper's family that fit without cutting an activation:

| RAM | whole tensors | stripes | rows from outside |
| --- | ---: | ---: | ---: |
";

const WINDOWS: &str = "
## Windows of a signal

Windows of a signal often overlap: each begins some rows (`hop`) after the one before. What both windows \
share is kept
then, of the input and of all layers that pad no rows, and a window computes only what is new. Instructions \
are those of a
window after the first one, until its logits. The network is a DS-CNN over windows of 49 spectra, in at most \
the RAM that its
whole tensors take; one row is

```sh
cargo mixq allocate experiments/networks/words.toml --execution rows --hop 5 --ram 29952 \
--target thumbv7em-none-eabihf
```

| rows from window to window | RAM, B | instructions | of a whole window |
| --- | ---: | ---: | ---: |
";

const OTHER_TOOLS: &str = "
What others have published: TensorFlow Lite Micro and ExecuTorch place whole tensors. MCUNetV2 (TinyEngine) \
executes
the first layers patch by patch and computes the borders of patches again: MobileNetV2 in an eighth of the \
RAM with 8 to
17 % more multiplications (arXiv 2110.15352). StreamNet (NeurIPS 2023) keeps borders in buffers instead. \
vMCU (MLSys
2024) lets the input and the output of a layer overlap: 12 to 49.5 % less RAM a layer.
";
