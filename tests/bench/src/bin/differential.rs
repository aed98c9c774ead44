//! Random layers by the kernels of the target and by the portable ones: every byte of the arena has to be the
//! same. Or hostile ones: see [`hostile`].
//!
//! Arguments: how many layers, and the seed; then `usual` or `hostile`.
#![no_std]
#![no_main]

#[path = "../differential/constants.rs"]
mod constants;
#[path = "../differential/dispatch.rs"]
mod dispatch;
#[path = "../differential/hostile.rs"]
mod hostile;
#[path = "../differential/known.rs"]
mod known;
#[path = "../differential/layers.rs"]
mod layers;
#[path = "../differential/moves.rs"]
mod moves;
#[path = "../differential/mutate.rs"]
mod mutate;
#[path = "../differential/numbers.rs"]
mod numbers;
#[path = "../differential/recover.rs"]
mod recover;
#[path = "../start.rs"]
mod start;
#[path = "../differential/unweighted.rs"]
mod unweighted;

use core::ops::Range;

use mixq_rt::format::Layer;
use mixq_rt::format::target::armv7em::{Kernel, plan, rearrange, takes};
use mixq_rt::run_layer;
use numbers::Numbers;
use semihosting::{println, process};

const PARAMETERS: usize = 256 << 10;
const ARENA: usize = 64 << 10;

#[repr(C, align(4))]
struct Memory {
    plain: [u8; PARAMETERS],
    laid_out: [u8; PARAMETERS],
    expected: [u8; ARENA],
    found: [u8; ARENA],
}

static mut MEMORY: Memory =
    Memory { plain: [0; PARAMETERS], laid_out: [0; PARAMETERS], expected: [0; ARENA], found: [0; ARENA] };

fn main() -> ! {
    let arguments = semihosting::experimental::env::args::<64>().expect("the arguments are read");
    let mut counts = (&arguments).into_iter().filter_map(|argument| argument.ok()?.parse::<u64>().ok());
    let (count, seed) = (counts.next().unwrap_or(1000), counts.next().unwrap_or(1));
    if (&arguments).into_iter().any(|argument| argument.is_ok_and(|argument| argument == "hostile")) {
        hostile::run(count, seed);
        process::exit(0)
    }
    // SAFETY: the only reference, taken once.
    let memory = unsafe {
        let memory = &raw mut MEMORY;
        &mut *memory
    };
    let mut counts = [0; 10];
    for number in 0..count {
        let mut numbers = Numbers::new(seed.wrapping_add(number));
        let layer = match numbers.within(0, 15) {
            0 => unweighted::addition(&mut numbers, &mut memory.expected),
            1 => unweighted::pool(&mut numbers, &mut memory.expected),
            2 => unweighted::elementwise(&mut numbers, &mut memory.plain, &mut memory.expected),
            3 => unweighted::multiplication(&mut numbers, &mut memory.expected),
            4 => moves::rearrange(&mut numbers, &mut memory.expected),
            5 => constants::constants(&mut numbers, &mut memory.plain, &mut memory.expected),
            6..=8 => layers::grouped(&mut numbers, &mut memory.plain, &mut memory.expected),
            _ => layers::random(&mut numbers, &mut memory.plain, &mut memory.expected),
        };
        if !takes(&layer, &memory.plain) {
            continue;
        }
        match layer {
            Layer::Conv(_) => counts[0] += 1,
            Layer::Depthwise(_) => counts[1] += 1,
            Layer::Linear(_) => counts[2] += 1,
            Layer::Add(_) => counts[3] += 1,
            Layer::AveragePool(_) | Layer::MaxPool(_) => counts[4] += 1,
            Layer::Elementwise(_) => counts[5] += 1,
            Layer::Multiply(_) => counts[6] += 1,
            Layer::Rearrange(_) => counts[7] += 1,
            Layer::GroupedConv(_) => counts[8] += 1,
            Layer::Constants(_) => counts[9] += 1,
            Layer::Prelu(_) | Layer::Resize(_) => unreachable!("no kernel of the set takes it"),
        }
        compare(number, &layer, &mut numbers, memory);
    }
    let [convs, depthwises, linears, additions, pools, elementwise, products, moves, grouped, constants] =
        counts;
    println!(
        "convolutions {convs}, depthwise {depthwises}, fully connected {linears}, additions {additions}, \
         pools {pools}, elementwise {elementwise}, products {products}, moves {moves}, in groups {grouped}, \
         with constants {constants}"
    );
    process::exit(0)
}

fn compare(number: u64, layer: &Layer, numbers: &mut Numbers, memory: &mut Memory) {
    let Memory { plain, laid_out, expected, found } = memory;
    // None, too little, some or much room to work in.
    let ends = layer.inputs().chain([layer.output()]).map(|tensor| tensor.range().end);
    let room = match numbers.within(0, 3) {
        0 => 0,
        1 => numbers.within(1, 1000),
        _ => numbers.within(1000, 20_000),
    };
    let mut plan = plan(&[*layer], 0, plain, (ends.max().unwrap_or(0) as i64 + room) as u32);
    // As if a later layer read the input.
    if let Some(plan) = &mut plan {
        plan.spent &= !numbers.once_in(2);
    }
    found.copy_from_slice(expected);
    laid_out.copy_from_slice(plain);
    rearrange(layer, plain, laid_out);
    run_layer(layer, plain, expected);
    let kernel = Kernel::of(layer, plain, plan.as_ref()).expect("it is taken");
    dispatch::run(&kernel, layer, laid_out, found, plan);
    if let Some(plan) = plan {
        let work = plan.scratch as usize..(plan.scratch + plan.scratch_bytes) as usize;
        found[work.clone()].copy_from_slice(&expected[work]);
        if plan.joined {
            let between = between(layer);
            found[between.clone()].copy_from_slice(&expected[between]);
        }
        if plan.spent {
            let input = layer.first_input().range();
            found[input.clone()].copy_from_slice(&expected[input]);
        }
    }
    for (index, (expected, found)) in expected.iter().zip(found.iter()).enumerate() {
        assert!(
            expected == found,
            "layer {number}: byte {index} is {found}, portable {expected}; output {:?} of {layer:?}",
            layer.output().range()
        );
    }
}

/// What lies between input and output.
fn between(layer: &Layer) -> Range<usize> {
    let [input, output] = [layer.first_input().range(), layer.output().range()];
    input.end.min(output.end)..input.start.max(output.start)
}
