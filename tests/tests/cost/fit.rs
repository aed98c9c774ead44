//! Fits what pieces of kernels take to measurements: least squares of relative errors, no figure below 0.

use std::path::Path;

use mixq_format::Artifact;
use mixq_format::target::Tally;
use mixq_tests::measure::{self, CORTEX_M0, CORTEX_M4, CORTEX_M33_WITHOUT_DSP, Processor, RISCV};
use mixq_tests::varied::{constants, functions, grouped, moves, of_channels, portable, products, varied};

use crate::cycles;

/// Random networks that are measured.
const NETWORKS: u64 = 240;

/// Pieces of assembly whose instructions and cycles are counted in its text.
const EXACT: [(&str, [f64; 2]); 31] = [
    ("Unit8", [12.0, 17.0]),
    ("Pass8", [3.0, 6.0]),
    ("UnitNibbles", [26.0, 35.0]),
    ("PassNibbles", [3.0, 6.0]),
    ("Unit4", [13.0, 22.0]),
    ("Pass4", [2.0, 4.0]),
    ("Unit2", [25.0, 42.0]),
    ("Pass2", [2.0, 4.0]),
    ("PlainElement", [5.25, 6.75]),
    ("PlainCode4", [0.5, 0.62]),
    ("PlainWeight4", [0.5, 0.25]),
    ("PlainWeight2", [0.75, 0.37]),
    ("StagePadding", [3.0, 5.0]),
    ("StagedRow", [8.0, 10.0]),
    ("StagedWord", [4.0, 7.0]),
    ("StagedByte", [4.0, 7.0]),
    ("WidenPixel", [12.0, 15.0]),
    ("WindowView", [14.0, 20.0]),
    ("WindowPixel", [14.0, 19.0]),
    ("WindowRow", [8.0, 10.0]),
    ("WindowTap", [4.0, 5.0]),
    // The branch after the last column is there in every fourth word or so.
    ("BesideRow", [13.0, 20.0]),
    ("BesideWord8", [46.0, 49.0]),
    ("BesideEnd8", [6.25, 6.75]),
    ("BesideWord4", [88.0, 96.0]),
    ("BesideEnd4", [13.25, 14.75]),
    ("BesideWord2", [160.0, 168.0]),
    ("BesideEnd2", [25.25, 26.75]),
    ("Word8", [8.0, 11.0]),
    ("Word4", [15.0, 18.0]),
    ("Word2", [27.0, 30.0]),
];

/// A layer that was measured.
struct Sample {
    tally: Tally,
    /// Instructions, and cycles.
    measured: [f64; 2],
    layer: String,
}

/// Prints the figures of all pieces.
#[test]
#[ignore = "takes minutes and asserts nothing: prints the figures of the cost model in mixq-format"]
fn fit() {
    let count = std::env::var("MIXQ_FIT").map_or(NETWORKS, |text| text.parse().expect("a number"));
    // Which of the kernels: all, if it is not said.
    let only = std::env::var("MIXQ_FIT_ONLY").unwrap_or_default();
    let is_chosen = |name: &str| only.is_empty() || only == name;
    // Of which operator: of all, if it is not said.
    let operator = std::env::var("MIXQ_FIT_OPERATOR").unwrap_or_default();
    let of = |processor, network: fn(u64) -> Artifact, with_cycles| {
        let networks: &[fn(u64) -> Artifact] = match &operator[..] {
            "conv" | "depthwise" | "linear" | "pointwise" => &[network],
            "elementwise" => &[functions],
            "rearrange" => &[moves],
            "resize" => &[moves],
            "grouped conv" => &[grouped, of_channels],
            "multiply" | "prelu" => &[products],
            "constants" => &[constants],
            _ => &[network, functions, moves, grouped, of_channels, products, constants],
        };
        let all = networks.iter().flat_map(|network| samples(processor, *network, count, with_cycles));
        let is_of = |layer: &str| match &operator[..] {
            "constants" => layer.contains("constant"),
            _ => layer.starts_with(&operator),
        };
        all.filter(|sample| is_of(&sample.layer)).collect::<Vec<Sample>>()
    };
    if is_chosen("armv7em") {
        let mut own = of(CORTEX_M4, varied, true);
        own.retain(|sample| sample.tally.kernels == "armv7em");
        print(&own, &[0, 1].map(|kind| solve(&own, kind)));
    }
    if is_chosen("portable") {
        let here = || {
            let mut samples = of(CORTEX_M4, portable, false);
            samples.retain(|sample| sample.tally.kernels == "portable");
            samples
        };
        let there = |processor| of(processor, varied, false);
        let all = [there(CORTEX_M0), there(CORTEX_M33_WITHOUT_DSP), here(), there(RISCV)];
        print(&all[0], &all.each_ref().map(|samples| solve(samples, 0)));
    }
}

fn print<const N: usize>(samples: &[Sample], columns: &[Vec<f64>; N]) {
    for (index, piece) in samples[0].tally.pieces.iter().enumerate() {
        let figures = columns.each_ref().map(|column| format!(" {:.2}", column[index])).concat();
        println!("    {}{figures};", piece.name);
    }
}

/// Layers of random networks, in their least arenas; with cycles in larger ones, too.
fn samples(processor: Processor, network: fn(u64) -> Artifact, count: u64, with_cycles: bool) -> Vec<Sample> {
    let spares =
        |seed: u64| if with_cycles { vec![[0, 300, 1200][seed as usize % 3], 16384] } else { vec![0] };
    let networks: Vec<_> = (1000..1000 + count).map(|seed| (network(seed), spares(seed))).collect();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = scratch.join("cost").join(format!("fit-{}", processor.target));
    let measured = measure::measure(processor, &networks, &folder, scratch);
    let all = measured.iter().map(|measured| measured.layers.len()).sum();
    let mut cycles = if with_cycles {
        let elf = measure::build(processor, &networks, &folder, scratch);
        cycles::of_layers(processor, &elf).into_iter()
    } else {
        vec![0; all].into_iter()
    };
    let target = processor.kernels();
    let mut samples = Vec::new();
    for found in measured {
        let artifact = &networks[found.network].0;
        let arena = artifact.header.arena_bytes + found.spare;
        let artifact = artifact.in_arena(arena);
        let tallies = target.tallies(processor.target, &artifact.layers(), &artifact.parameters, arena);
        let layers = artifact.layers();
        for ((tally, instructions), layer) in tallies.into_iter().zip(found.layers).zip(layers.iter()) {
            let cycles = cycles.next().expect("cycles of each layer");
            let (x, y, window) = (layer.first_input(), layer.output(), layer.window());
            let bits = layer.weights().map(|(.., bits)| bits);
            let layer = format!("{} {x:?} {y:?} {window:?} {bits:?}", layer.kind());
            samples.push(Sample { tally, measured: [instructions as f64, cycles as f64], layer });
        }
    }
    samples
}

/// Figures of all pieces, instructions (0) or cycles (1); 0 for those that no sample has.
fn solve(samples: &[Sample], kind: usize) -> Vec<f64> {
    let pieces = &samples[0].tally.pieces;
    // Only these pieces, if some are named: all others keep their figures.
    let chosen = std::env::var("MIXQ_FIT_PIECES").unwrap_or_default();
    let is_kept =
        |index: usize| !chosen.is_empty() && !chosen.split(',').any(|name| name == pieces[index].name);
    let known = |index: usize| {
        let exact = EXACT.iter().find(|(name, _)| *name == pieces[index].name);
        let kept = is_kept(index).then(|| [pieces[index].instructions, pieces[index].cycles]);
        kept.or(exact.map(|(_, figures)| *figures))
    };
    let mut figures: Vec<f64> =
        (0..pieces.len()).map(|index| known(index).map_or(0.0, |figures| figures[kind])).collect();
    let used = |index: &usize| {
        known(*index).is_none() && samples.iter().any(|sample| sample.tally.counts[*index] != 0.0)
    };
    let mut free: Vec<usize> = (0..pieces.len()).filter(used).collect();
    loop {
        let found = least_squares(samples, kind, &figures, &free);
        let least = (0..free.len()).min_by(|a, b| found[*a].total_cmp(&found[*b]));
        match least {
            // One after the other, the smallest first: others may grow without it.
            Some(least) if found[least] < 0.0 => _ = free.remove(least),
            _ => {
                free.iter().zip(found).for_each(|(index, figure)| figures[*index] = figure);
                say(samples, kind, &figures);
                return figures;
            }
        }
    }
}

/// Prints how well figures fit.
fn say(samples: &[Sample], kind: usize, figures: &[f64]) {
    let mut off: Vec<(f64, &Sample)> = (samples.iter())
        .map(|sample| {
            let counts = &sample.tally.counts;
            let model: f64 = counts.iter().zip(figures).map(|(count, figure)| count * figure).sum();
            (model / sample.measured[kind] - 1.0, sample)
        })
        .collect();
    off.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let squares: f64 = off.iter().map(|(off, _)| off * off).sum();
    println!("{} layers, {:.2} % off, most:", off.len(), 100.0 * (squares / off.len() as f64).sqrt());
    for (off, sample) in off.iter().take(12) {
        println!("{:+.1} % of {}: {}", 100.0 * off, sample.measured[kind], sample.layer);
    }
}

/// Figures of the `free` pieces, beside the others that are known, by normal equations.
fn least_squares(samples: &[Sample], kind: usize, known: &[f64], free: &[usize]) -> Vec<f64> {
    let count = free.len();
    let mut rows = vec![vec![0.0; count + 1]; count];
    for Sample { tally, measured, .. } in samples {
        let exact: f64 = tally.counts.iter().zip(known).map(|(count, figure)| count * figure).sum();
        let weight = 1.0 / (measured[kind] + 300.0);
        let values: Vec<(usize, f64)> = (free.iter().enumerate())
            .map(|(column, index)| (column, tally.counts[*index] * weight))
            .filter(|(_, value)| *value != 0.0)
            .collect();
        for (row, value) in &values {
            values.iter().for_each(|(column, other)| rows[*row][*column] += value * other);
            rows[*row][count] += value * (measured[kind] - exact) * weight;
        }
    }
    // What two pieces have in common goes to both.
    (0..count).for_each(|index| rows[index][index] *= 1.0 + 1e-7);
    eliminate(rows)
}

/// The solution of linear equations, which stand in rows with their right sides.
fn eliminate(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let count = rows.len();
    for column in 0..count {
        let pivot = (column..count).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()));
        rows.swap(column, pivot.expect("there is a row"));
        let above = rows[column].clone();
        for row in &mut rows[column + 1..] {
            let factor = row[column] / above[column];
            (column..=count).for_each(|index| row[index] -= factor * above[index]);
        }
    }
    let mut solution = vec![0.0; count];
    for row in (0..count).rev() {
        let rest: f64 = (row + 1..count).map(|column| rows[row][column] * solution[column]).sum();
        solution[row] = (rows[row][count] - rest) / rows[row][row];
    }
    solution
}
