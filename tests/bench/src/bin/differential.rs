//! Random layers by the kernels of the target and by the portable ones: every byte of the arena has to be the same.
//! Arguments: how many layers, and the seed.
#![no_std]
#![no_main]

#[path = "../differential/layers.rs"]
mod layers;
#[path = "../differential/numbers.rs"]
mod numbers;
#[path = "../start.rs"]
mod start;
#[path = "../differential/unweighted.rs"]
mod unweighted;

use mixq_rt::format::Layer;
use mixq_rt::format::layout::{self, Plan};
use mixq_rt::{native, run_layer};
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
    // SAFETY: the only reference, taken once.
    let memory = unsafe {
        let memory = &raw mut MEMORY;
        &mut *memory
    };
    let (mut convs, mut depthwises, mut linears, mut additions, mut pools) = (0, 0, 0, 0, 0);
    for number in 0..count {
        let mut numbers = Numbers::new(seed.wrapping_add(number));
        let layer = match numbers.within(0, 7) {
            0 => unweighted::addition(&mut numbers, &mut memory.expected),
            1 => unweighted::pool(&mut numbers, &mut memory.expected),
            _ => layers::random(&mut numbers, &mut memory.plain, &mut memory.expected),
        };
        if layer.weights().is_some() && !layout::armv7em_takes(&layer, &memory.plain) {
            continue;
        }
        match layer {
            Layer::Conv(_) => convs += 1,
            Layer::Depthwise(_) => depthwises += 1,
            Layer::Linear(_) => linears += 1,
            Layer::Add(_) => additions += 1,
            _ => pools += 1,
        }
        compare(number, &layer, &mut numbers, memory);
    }
    println!(
        "convolutions {convs}, depthwise {depthwises}, fully connected {linears}, additions {additions}, pools {pools}"
    );
    process::exit(0)
}

fn compare(number: u64, layer: &Layer, numbers: &mut Numbers, memory: &mut Memory) {
    let Memory { plain, laid_out, expected, found } = memory;
    // None, too little, some or much room to work in.
    let ends = [layer.inputs().0.range().end, layer.output().range().end];
    let room = match numbers.within(0, 3) {
        0 => 0,
        1 => numbers.within(1, 1000),
        _ => numbers.within(1000, 20_000),
    };
    let plan = layout::plan(&[*layer], 0, plain, (ends[0].max(ends[1]) as i64 + room) as u32);
    found.copy_from_slice(expected);
    laid_out.copy_from_slice(plain);
    layout::armv7em(layer, plain, laid_out);
    run_layer(layer, plain, expected);
    let codes = plan.map_or(0, |plan| layout::armv7em_codes(layer, plain, &plan));
    run_native(layer, laid_out, found, plan, codes);
    if let Some(plan) = plan {
        let work = plan.scratch as usize..(plan.scratch + plan.scratch_bytes) as usize;
        found[work.clone()].copy_from_slice(&expected[work]);
    }
    for (index, (expected, found)) in expected.iter().zip(found.iter()).enumerate() {
        assert!(
            expected == found,
            "layer {number}: byte {index} is {found}, portable {expected}; output {:?} of {layer:?}",
            layer.output().range()
        );
    }
}

/// `native::$kernel::<X, W, ...>` for the widths of a table; what else it takes by pattern.
macro_rules! dispatch {
    // By windows, and whether codes are made in one go; then by width, fraction and zero point of the output.
    (conv $kind:expr, $($argument:expr),*) => {
        match ($kind.0, $kind.1) {
            (0, true) => dispatch!(@codes $kind.2, [0], $($argument),*),
            (1, true) => dispatch!(@any_zero $kind.2, [1, true], $($argument),*),
            (2, true) => dispatch!(@any_zero $kind.2, [2, true], $($argument),*),
            (3, true) => dispatch!(@codes $kind.2, [3], $($argument),*),
            (4, true) => dispatch!(@any_zero $kind.2, [4, true], $($argument),*),
            (5, true) => dispatch!(@any_zero $kind.2, [5, true], $($argument),*),
            (_, true) => dispatch!(@any_zero $kind.2, [6, true], $($argument),*),
            (0, _) => dispatch!(@any_zero $kind.2, [0, false], $($argument),*),
            (1, _) => dispatch!(@any_zero $kind.2, [1, false], $($argument),*),
            (2, _) => dispatch!(@any_zero $kind.2, [2, false], $($argument),*),
            (3, _) => dispatch!(@any_zero $kind.2, [3, false], $($argument),*),
            (4, _) => dispatch!(@conv [0, 7, false, 4, false], $($argument),*),
            (5, _) => dispatch!(@any_zero $kind.2, [5, false], $($argument),*),
            (_, _) => dispatch!(@any_zero $kind.2, [6, false], $($argument),*),
        }
    };
    (@codes $codes:expr, [$windows:literal], $($argument:expr),*) => {
        match $codes {
            (2, _, true) => dispatch!(@conv [2, 7, true, $windows, true], $($argument),*),
            (4, _, true) => dispatch!(@conv [4, 7, true, $windows, true], $($argument),*),
            (_, 7, true) => dispatch!(@conv [8, 7, true, $windows, true], $($argument),*),
            (8, _, true) => dispatch!(@conv [8, 4, true, $windows, true], $($argument),*),
            codes => dispatch!(@any_zero codes, [$windows, true], $($argument),*),
        }
    };
    (@any_zero $codes:expr, [$windows:literal, $whole:literal], $($argument:expr),*) => {
        match $codes {
            (0, _, _) => dispatch!(@conv [0, 7, false, $windows, false], $($argument),*),
            (2, _, _) => dispatch!(@conv [2, 7, false, $windows, $whole], $($argument),*),
            (4, _, _) => dispatch!(@conv [4, 7, false, $windows, $whole], $($argument),*),
            (_, 7, _) => dispatch!(@conv [8, 7, false, $windows, $whole], $($argument),*),
            _ => dispatch!(@conv [8, 4, false, $windows, $whole], $($argument),*),
        }
    };
    (depthwise $kind:expr, $($argument:expr),*) => {
        match $kind {
            (2, false) => dispatch!(@depthwise [2, false], $($argument),*),
            (4, false) => dispatch!(@depthwise [4, false], $($argument),*),
            (_, false) => dispatch!(@depthwise [8, false], $($argument),*),
            (2, true) => dispatch!(@depthwise [2, true], $($argument),*),
            (4, true) => dispatch!(@depthwise [4, true], $($argument),*),
            (_, true) => dispatch!(@depthwise [8, true], $($argument),*),
        }
    };
    (linear $y:expr, $($argument:expr),*) => {
        match $y {
            0 => dispatch!(@linear [0], $($argument),*),
            2 => dispatch!(@linear [2], $($argument),*),
            4 => dispatch!(@linear [4], $($argument),*),
            _ => dispatch!(@linear [8], $($argument),*),
        }
    };
    ($pool:ident $words:expr, $table:expr, $arena:expr) => {
        match ($table.input.bits.count(), $words) {
            (8, false) => native::$pool::<8, false>($table, $arena),
            (4, false) => native::$pool::<4, false>($table, $arena),
            (_, false) => native::$pool::<2, false>($table, $arena),
            (8, true) => native::$pool::<8, true>($table, $arena),
            (4, true) => native::$pool::<4, true>($table, $arena),
            (_, true) => native::$pool::<2, true>($table, $arena),
        }
    };
    (@$kernel:ident $rest:tt, $table:expr, $($argument:expr),*) => {
        match ($table.input.bits.count(), $table.weight_bits.count()) {
            (8, 8) => dispatch!(@call $kernel 8, 8, $rest, $table, $($argument),*),
            (8, 4) => dispatch!(@call $kernel 8, 4, $rest, $table, $($argument),*),
            (8, 2) => dispatch!(@call $kernel 8, 2, $rest, $table, $($argument),*),
            (4, 8) => dispatch!(@call $kernel 4, 8, $rest, $table, $($argument),*),
            (4, 4) => dispatch!(@call $kernel 4, 4, $rest, $table, $($argument),*),
            (4, 2) => dispatch!(@call $kernel 4, 2, $rest, $table, $($argument),*),
            (2, 8) => dispatch!(@call $kernel 2, 8, $rest, $table, $($argument),*),
            (2, 4) => dispatch!(@call $kernel 2, 4, $rest, $table, $($argument),*),
            _ => dispatch!(@call $kernel 2, 2, $rest, $table, $($argument),*),
        }
    };
    (@call $kernel:ident $x:literal, $w:literal, [$($rest:literal),*], $($argument:expr),*) => {
        native::$kernel::<$x, $w, $($rest),*>($($argument),*)
    };
}

fn run_native(layer: &Layer, parameters: &[u8], arena: &mut [u8], plan: Option<Plan>, codes: usize) {
    match (layer, plan) {
        (Layer::Conv(table), Some(plan)) => {
            let zero = table.output.zero_point == 0;
            let windows = layout::Windows::of(table) as u8;
            let whole = codes > 0 && layout::whole(table, &plan);
            let kind = (windows, whole, (codes, table.requant.fraction, zero));
            dispatch!(conv kind, table, parameters, arena, &plan)
        }
        (Layer::Linear(table), Some(plan)) => dispatch!(linear codes, table, parameters, arena, &plan),
        (Layer::Depthwise(table), _) => {
            let kind = (table.output.bits.count(), table.output.channels % 2 == 1);
            dispatch!(depthwise kind, table, parameters, arena)
        }
        (Layer::Add(table), _) => native::add(table, arena),
        (Layer::AveragePool(table), _) => dispatch!(average_pool layout::armv7em_words(layer), table, arena),
        (Layer::MaxPool(table), _) => dispatch!(max_pool layout::armv7em_words(layer), table, arena),
        _ => unreachable!("only these are made"),
    }
}
