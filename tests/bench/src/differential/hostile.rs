//! Hostile layers by the kernels of the target and by the portable ones: each panics, or changes nothing but
//! its output and what its plan gives it (the input, too, if that is spent), whatever lies around parameters
//! and arena. Where both answer to
//! tables that fit together, they answer the same. A network of such a layer is never valid if a tensor does
//! not fit its arena, by sizes in 64 bits.

use core::sync::atomic::Ordering;

use mixq_rt::format::target::armv7em::{Kernel, codes, plan, rearrange, takes};
use mixq_rt::format::{Bits, Conv, Layer, Linear, Network, Tensor};
use mixq_rt::run_layer;
use semihosting::println;

use crate::constants;
use crate::dispatch;
use crate::known::KNOWN;
use crate::layers;
use crate::moves;
use crate::mutate::{Case, lengths, mutate};
use crate::numbers::Numbers;
use crate::recover::{CASE, returns};
use crate::unweighted;

/// Bytes of the largest parameters and arenas.
const MOST: [usize; 2] = [64 << 10, 16 << 10];
/// Bytes that lie before and after them, and that no kernel may touch.
const AROUND: usize = 4096;

/// All memory of a case. The first two begin where a word does.
#[repr(C, align(4))]
struct Memory {
    /// What kernels are given, with what lies around.
    parameters: [u8; MOST[0] + 2 * AROUND],
    worked_in: [u8; MOST[1] + 2 * AROUND],
    /// What is generated, which may be more than is taken.
    plain: [u8; 256 << 10],
    laid_out: [u8; 256 << 10],
    arena: [u8; 64 << 10],
    /// What the kernel of the target and the portable one answer.
    answers: [[u8; MOST[1]]; 2],
}

static mut MEMORY: Memory = Memory {
    parameters: [0; MOST[0] + 2 * AROUND],
    worked_in: [0; MOST[1] + 2 * AROUND],
    plain: [0; 256 << 10],
    laid_out: [0; 256 << 10],
    arena: [0; 64 << 10],
    answers: [[0; MOST[1]]; 2],
};

/// Tries this number of layers, and those that are known.
pub fn run(count: u64, seed: u64) {
    // SAFETY: the only reference, taken once.
    let memory = unsafe {
        let memory = &raw mut MEMORY;
        &mut *memory
    };
    for (number, case) in KNOWN.iter().enumerate() {
        check_validation(number as u64, case, memory);
        let mut numbers = Numbers::new(number as u64);
        numbers.fill(&mut memory.laid_out[..case.lengths[0]]);
        numbers.fill(&mut memory.plain[..case.lengths[0]]);
        numbers.fill(&mut memory.arena[..case.lengths[1]]);
        let kernel = Kernel::with_codes(&case.layer, case.plan.as_ref(), 0);
        let native = twice(number as u64, case, Some(&kernel), memory);
        let portable = twice(number as u64, case, None, memory);
        assert!(!native && !portable, "known case {number}: no panic, {native} and {portable}: {case:?}");
    }
    let (mut answers, mut panics, mut compared) = (0, 0, 0);
    for number in seed..seed + count {
        CASE.store(number as u32, Ordering::Relaxed);
        let mut numbers = Numbers::new(number);
        let layer = match numbers.within(0, 13) {
            0 => unweighted::addition(&mut numbers, &mut memory.arena),
            1 => unweighted::pool(&mut numbers, &mut memory.arena),
            2 => unweighted::elementwise(&mut numbers, &mut memory.plain, &mut memory.arena),
            3 => unweighted::multiplication(&mut numbers, &mut memory.arena),
            4 => moves::rearrange(&mut numbers, &mut memory.arena),
            5 => constants::constants(&mut numbers, &mut memory.plain, &mut memory.arena),
            6 | 7 => layers::grouped(&mut numbers, &mut memory.plain, &mut memory.arena),
            _ => layers::random(&mut numbers, &mut memory.plain, &mut memory.arena),
        };
        let needed = lengths(&layer);
        if needed[0] > MOST[0] || needed[1] + 512 > MOST[1] || !takes(&layer, &memory.plain) {
            continue;
        }
        let room = if numbers.once_in(2) { 0 } else { 4 * numbers.within(0, 128) as usize };
        let arena = needed[1] + room;
        let plan = plan(&[layer], 0, &memory.plain, arena as u32);
        memory.laid_out[..needed[0]].copy_from_slice(&memory.plain[..needed[0]]);
        rearrange(&layer, &memory.plain, &mut memory.laid_out);
        let codes = plan.map_or(0, |plan| codes(&layer, &memory.plain, &plan));
        let mut case = Case { layer, plan, lengths: [needed[0], arena], begins: [0; 2] };
        let mut kernel = Kernel::with_codes(&layer, plan.as_ref(), codes);
        let hostile = !numbers.once_in(16) && mutate(&mut numbers, &mut case);
        if hostile && numbers.once_in(2) {
            // The kernel that the tables ask for now, more or less.
            let codes = if numbers.once_in(4) { numbers.one_of(&[0, 2, 4, 8]) } else { codes };
            kernel = Kernel::with_codes(&case.layer, case.plan.as_ref(), codes);
        }
        check_validation(number, &case, memory);
        let native = twice(number, &case, Some(&kernel), memory);
        let portable = twice(number, &case, None, memory);
        assert!(hostile || native, "case {number}: a panic, but nothing is wrong: {case:?}");
        if native {
            answers += 1
        } else {
            panics += 1
        }
        if native && portable && !hostile {
            compared += 1;
            compare(number, &case, memory);
        }
    }
    println!("answers {answers}, panics {panics}, compared {compared}");
}

/// Asserts that the validation of a network of this layer does not panic, and finds tensors and weights that
/// do not fit.
fn check_validation(number: u64, case: &Case, memory: &Memory) {
    let layer = &case.layer;
    let output = layer.output();
    let [parameters, arena] = case.lengths;
    let network = Network {
        layers: &[*layer],
        stages: &[],
        parameters: &memory.plain[..parameters],
        input: *layer.first_input(),
        others: &[],
        output: *output,
        arena_bytes: arena as u32,
    };
    let mut valid = false;
    let returned = returns(|| valid = network.validate().is_ok());
    assert!(returned, "case {number}: a panic while it is validated: {case:?}");
    let bytes =
        |count: u64, columns: u16, bits: Bits| count * (u64::from(columns) * bits.count() as u64).div_ceil(8);
    let fits = |tensor: &Tensor| {
        let pixels = u64::from(tensor.height) * u64::from(tensor.width);
        u64::from(tensor.offset) + bytes(pixels, tensor.channels, tensor.bits) <= arena as u64
    };
    let weights = match layer {
        Layer::Conv(Conv { input, output, window, weights, weight_bits, .. }) => {
            let taps = u64::from(window.kernel_height) * u64::from(window.kernel_width);
            let filters = bytes(taps, input.channels, *weight_bits).saturating_mul(output.channels.into());
            filters.saturating_add((*weights).into())
        }
        Layer::Linear(Linear { input, output, weights, weight_bits, .. }) => {
            let pixels = u64::from(input.height) * u64::from(input.width);
            let filters = bytes(pixels, input.channels, *weight_bits).saturating_mul(output.channels.into());
            filters.saturating_add((*weights).into())
        }
        Layer::Elementwise(table) => {
            // Other inputs are refused before.
            let entries = if table.input.bits == Bits::B32 { 0 } else { table.entries() };
            u64::from(table.codes) + entries as u64
        }
        Layer::GroupedConv(table) => {
            let (row, taps) = (table.group_channels() as u16, table.window.taps() as u64);
            let filters = bytes(taps, row, table.weight_bits).saturating_mul(table.output.channels.into());
            filters.saturating_add(table.weights.into())
        }
        Layer::Constants(table) => {
            let row = table.weight_bits.row_bytes(table.input.channels.into()) as u64;
            let pixels = u64::from(table.input.height) * u64::from(table.input.width);
            u64::from(table.weights) + pixels * row
        }
        Layer::Prelu(table) => u64::from(table.slopes) + 4 * u64::from(table.input.channels),
        Layer::Depthwise(_)
        | Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Add(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_)
        | Layer::Multiply(_) => 0,
    };
    let all_fit = layer.inputs().chain([output]).all(fits) && weights <= parameters as u64;
    assert!(!valid || all_fit, "case {number}: what does not fit is valid: {case:?}");
}

/// Calls the kernel of the target, or the portable one, among other bytes each time: whether it answers. Its
/// answer is the first or the second.
fn twice(number: u64, case: &Case, kernel: Option<&Kernel>, memory: &mut Memory) -> bool {
    let Memory { parameters, worked_in, plain, laid_out, arena, answers } = memory;
    let tables: &[u8] = if kernel.is_some() { laid_out } else { plain };
    let answer = &mut answers[usize::from(kernel.is_none())];
    let mut before = false;
    for time in 0..2 {
        let seed = 2 * number + time;
        place(seed, parameters, &tables[..case.lengths[0]], case.begins[0]);
        place(seed, worked_in, &arena[..case.lengths[1]], case.begins[1]);
        let returned = {
            let given = &parameters[AROUND + case.begins[0]..][..case.lengths[0]];
            let arena = &mut worked_in[AROUND + case.begins[1]..][..case.lengths[1]];
            returns(|| match kernel {
                Some(kernel) => dispatch::run(kernel, &case.layer, given, arena, case.plan),
                None => run_layer(&case.layer, given, arena),
            })
        };
        unchanged(seed, parameters, &tables[..case.lengths[0]], case, 0);
        unchanged(seed, worked_in, &arena[..case.lengths[1]], case, 1);
        let found = &worked_in[AROUND + case.begins[1]..][..case.lengths[1]];
        if time == 0 {
            answer[..found.len()].copy_from_slice(found);
            before = returned;
        } else {
            assert!(
                before == returned,
                "case {number}: what lies around decides whether it panics: {case:?}"
            );
            assert!(
                !returned || answer[..found.len()] == *found,
                "case {number}: what lies around decides the answer: {case:?}"
            );
        }
    }
    before
}

/// Puts bytes into others that are known.
fn place(seed: u64, to: &mut [u8], bytes: &[u8], begin: usize) {
    let end = AROUND + begin + bytes.len();
    to[..AROUND + begin].fill(surrounding(seed));
    to[AROUND + begin..end].copy_from_slice(bytes);
    to[end..end + AROUND - begin].fill(surrounding(seed));
}

fn surrounding(seed: u64) -> u8 {
    (seed as u8).wrapping_mul(0x6b) ^ 0x35
}

/// Asserts that all is as [`place`] left it; but for the output and what the plan gives, in an arena.
fn unchanged(seed: u64, found: &[u8], bytes: &[u8], case: &Case, which: usize) {
    let start = AROUND + case.begins[which];
    let end = start + bytes.len();
    let same = |bytes: &[u8]| bytes.iter().all(|byte| *byte == surrounding(seed));
    assert!(
        same(&found[..start]) && same(&found[end..end + AROUND - case.begins[which]]),
        "case {}: bytes around are written: {case:?}",
        seed / 2
    );
    let output = case.layer.output().range();
    let work = case.plan.map_or(0..0, |plan| {
        let start = plan.scratch as usize;
        start..start.saturating_add(plan.scratch_bytes as usize)
    });
    let spent = case.plan.is_some_and(|plan| plan.spent);
    let input = if spent { case.layer.first_input().range() } else { 0..0 };
    let between = match case.plan.is_some_and(|plan| plan.joined) {
        true => {
            let [input, output] = [case.layer.first_input().range(), output.clone()];
            input.end.min(output.end)..input.start.max(output.start)
        }
        false => 0..0,
    };
    for (index, (found, expected)) in found[start..end].iter().zip(bytes).enumerate() {
        let is_own = [&output, &work, &input, &between].iter().any(|range| range.contains(&index));
        let may_change = which == 1 && is_own;
        assert!(found == expected || may_change, "case {}: byte {index} is written: {case:?}", seed / 2);
    }
}

/// Asserts that the answers of both kernels are the same, but for what the plan gives.
fn compare(number: u64, case: &Case, memory: &Memory) {
    let output = case.layer.output();
    let [native, portable] = &memory.answers;
    assert!(native[output.range()] == portable[output.range()], "case {number}: answers differ: {case:?}");
}
