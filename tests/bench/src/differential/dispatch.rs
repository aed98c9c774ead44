//! The kernel of the target for a layer that is known at run time only.

use mixq_rt::export::armv7em;
use mixq_rt::format::target::armv7em::{Kernel, Plan};
use mixq_rt::format::{Layer, Operands, Table};

/// `armv7em::$kernel::<X, W, ...>` for the widths of a table; what else it takes by pattern.
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
    // By whether groups are whole words; then by width, fraction and zero point of the output.
    (grouped $kind:expr, $($argument:expr),*) => {
        match $kind.0 {
            true => dispatch!(@of_group $kind.1, true, $($argument),*),
            false => dispatch!(@of_group $kind.1, false, $($argument),*),
        }
    };
    (@of_group $codes:expr, $words:literal, $($argument:expr),*) => {
        match $codes {
            (0, _, _) => dispatch!(@grouped_conv [0, 7, false, $words], $($argument),*),
            (2, _, _) => dispatch!(@grouped_conv [2, 7, false, $words], $($argument),*),
            (4, _, _) => dispatch!(@grouped_conv [4, 7, false, $words], $($argument),*),
            (_, 7, true) => dispatch!(@grouped_conv [8, 7, true, $words], $($argument),*),
            (_, 7, _) => dispatch!(@grouped_conv [8, 7, false, $words], $($argument),*),
            _ => dispatch!(@grouped_conv [8, 4, false, $words], $($argument),*),
        }
    };
    (depthwise $kind:expr, $($argument:expr),*) => {
        match $kind {
            (2, false, false) => dispatch!(@depthwise [2, false, false], $($argument),*),
            (4, false, false) => dispatch!(@depthwise [4, false, false], $($argument),*),
            (_, false, false) => dispatch!(@depthwise [8, false, false], $($argument),*),
            (2, true, false) => dispatch!(@depthwise [2, true, false], $($argument),*),
            (4, true, false) => dispatch!(@depthwise [4, true, false], $($argument),*),
            (_, true, false) => dispatch!(@depthwise [8, true, false], $($argument),*),
            (2, false, _) => dispatch!(@depthwise [2, false, true], $($argument),*),
            (4, false, _) => dispatch!(@depthwise [4, false, true], $($argument),*),
            (_, false, _) => dispatch!(@depthwise [8, false, true], $($argument),*),
            (2, true, _) => dispatch!(@depthwise [2, true, true], $($argument),*),
            (4, true, _) => dispatch!(@depthwise [4, true, true], $($argument),*),
            (_, true, _) => dispatch!(@depthwise [8, true, true], $($argument),*),
        }
    };
    (grouped_depthwise $kind:expr, $($argument:expr),*) => {
        match $kind {
            (2, false) => dispatch!(@grouped_depthwise [2, false], $($argument),*),
            (4, false) => dispatch!(@grouped_depthwise [4, false], $($argument),*),
            (_, false) => dispatch!(@grouped_depthwise [8, false], $($argument),*),
            (2, true) => dispatch!(@grouped_depthwise [2, true], $($argument),*),
            (4, true) => dispatch!(@grouped_depthwise [4, true], $($argument),*),
            (_, true) => dispatch!(@grouped_depthwise [8, true], $($argument),*),
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
    ($pool:ident $kind:expr, $operands:expr) => {
        match $kind {
            (8, false) => armv7em::$pool::<8, false>($operands),
            (4, false) => armv7em::$pool::<4, false>($operands),
            (_, false) => armv7em::$pool::<2, false>($operands),
            (8, true) => armv7em::$pool::<8, true>($operands),
            (4, true) => armv7em::$pool::<4, true>($operands),
            (_, true) => armv7em::$pool::<2, true>($operands),
        }
    };
    (@$kernel:ident $rest:tt, $kind:expr, $($argument:expr),*) => {
        match $kind {
            (8, 8) => dispatch!(@call $kernel 8, 8, $rest, $($argument),*),
            (8, 4) => dispatch!(@call $kernel 8, 4, $rest, $($argument),*),
            (8, 2) => dispatch!(@call $kernel 8, 2, $rest, $($argument),*),
            (4, 8) => dispatch!(@call $kernel 4, 8, $rest, $($argument),*),
            (4, 4) => dispatch!(@call $kernel 4, 4, $rest, $($argument),*),
            (4, 2) => dispatch!(@call $kernel 4, 2, $rest, $($argument),*),
            (2, 8) => dispatch!(@call $kernel 2, 8, $rest, $($argument),*),
            (2, 4) => dispatch!(@call $kernel 2, 4, $rest, $($argument),*),
            _ => dispatch!(@call $kernel 2, 2, $rest, $($argument),*),
        }
    };
    (@call $kernel:ident $x:literal, $w:literal, [$($rest:literal),*], $($argument:expr),*) => {
        armv7em::$kernel::<$x, $w, $($rest),*>($($argument),*)
    };
}

/// # Panics
/// If the table breaks a rule.
fn operands<'a, T: Table>(table: &'a T, parameters: &'a [u8], arena: &'a mut [u8]) -> Operands<'a, T> {
    Operands::check(table, parameters, arena).unwrap_or_else(|reason| panic!("{reason}"))
}

/// Executes a layer by a kernel; with a plan, if it takes one.
///
/// # Panics
/// If the table breaks a rule, or the kernel does.
pub fn run(kernel: &Kernel, layer: &Layer, parameters: &[u8], arena: &mut [u8], plan: Option<Plan>) {
    match (*kernel, layer, plan) {
        (Kernel::Conv { x, w, codes, fraction, zero, windows, whole }, Layer::Conv(table), Some(plan)) => {
            let conv = (windows as u8, whole, (codes, fraction, zero));
            dispatch!(conv conv, (x, w), operands(table, parameters, arena), &plan)
        }
        (
            Kernel::GroupedConv { x, w, codes, fraction, zero, words },
            Layer::GroupedConv(table),
            Some(plan),
        ) => {
            let kind = (words, (codes, fraction, zero));
            dispatch!(grouped kind, (x, w), operands(table, parameters, arena), &plan)
        }
        (Kernel::Linear { x, w, codes }, Layer::Linear(table), Some(plan)) => {
            dispatch!(linear codes, (x, w), operands(table, parameters, arena), &plan)
        }
        (Kernel::Depthwise { x, w, y, odd, small }, Layer::Depthwise(table), _) => {
            dispatch!(depthwise(y, odd, small), (x, w), operands(table, parameters, arena))
        }
        (Kernel::GroupedDepthwise { x, w, y, small }, Layer::GroupedConv(table), _) => {
            dispatch!(grouped_depthwise(y, small), (x, w), operands(table, parameters, arena))
        }
        (Kernel::Elementwise { x, y }, Layer::Elementwise(table), _) => {
            dispatch!(@elementwise [], (x, y), operands(table, parameters, arena))
        }
        (Kernel::Rearrange { interleaved }, Layer::Rearrange(table), _) => {
            let operands = operands(table, parameters, arena);
            match interleaved {
                0 => armv7em::rearrange::<0>(operands),
                2 => armv7em::rearrange::<2>(operands),
                4 => armv7em::rearrange::<4>(operands),
                _ => armv7em::rearrange::<8>(operands),
            }
        }
        (Kernel::Add, Layer::Add(table), _) => armv7em::add(operands(table, parameters, arena)),
        (Kernel::Constants { product }, Layer::Constants(table), _) => {
            let operands = operands(table, parameters, arena);
            match product {
                true => armv7em::constants::<true>(operands),
                false => armv7em::constants::<false>(operands),
            }
        }
        (Kernel::Multiply { by_channel }, Layer::Multiply(table), _) => {
            let operands = operands(table, parameters, arena);
            match by_channel {
                true => armv7em::multiply::<true>(operands),
                false => armv7em::multiply::<false>(operands),
            }
        }
        (Kernel::AveragePool { x, words }, Layer::AveragePool(table), _) => {
            dispatch!(average_pool(x, words), operands(table, parameters, arena))
        }
        (Kernel::MaxPool { x, words }, Layer::MaxPool(table), _) => {
            dispatch!(max_pool(x, words), operands(table, parameters, arena))
        }
        _ => unreachable!("a kernel is that of its layer"),
    }
}
