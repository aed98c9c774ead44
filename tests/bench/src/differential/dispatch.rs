//! The kernel of the target for a layer that is known at run time only.

use mixq_rt::format::Layer;
use mixq_rt::format::layout::{self, Plan};
use mixq_rt::native;

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
    ($pool:ident $kind:expr, $table:expr, $arena:expr) => {
        match ($kind.x, $kind.words) {
            (8, false) => native::$pool::<8, false>($table, $arena),
            (4, false) => native::$pool::<4, false>($table, $arena),
            (_, false) => native::$pool::<2, false>($table, $arena),
            (8, true) => native::$pool::<8, true>($table, $arena),
            (4, true) => native::$pool::<4, true>($table, $arena),
            (_, true) => native::$pool::<2, true>($table, $arena),
        }
    };
    (@$kernel:ident $rest:tt, $kind:expr, $($argument:expr),*) => {
        match ($kind.x, $kind.w) {
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
        native::$kernel::<$x, $w, $($rest),*>($($argument),*)
    };
}

/// What the const parameters of a kernel are.
#[derive(Clone, Copy)]
pub struct Kind {
    pub x: usize,
    pub w: usize,
    /// Bits of codes that are made of sums in registers, or 0.
    pub y: usize,
    pub fraction: u8,
    /// Whether the output's zero point is 0.
    pub zero: bool,
    pub windows: u8,
    pub whole: bool,
    /// Whether the number of channels is.
    pub odd: bool,
    pub words: bool,
}

impl Kind {
    /// That of a layer's kernel which makes codes of `codes` bits of sums in registers, or of none (0).
    pub fn of(layer: &Layer, plan: Option<&Plan>, codes: usize) -> Kind {
        let output = layer.output();
        let y = if matches!(layer, Layer::Depthwise(_)) { output.bits.count() } else { codes };
        let (windows, whole) = match (layer, plan) {
            (Layer::Conv(table), Some(plan)) => {
                (layout::Windows::of(table) as u8, codes > 0 && layout::whole(table, plan))
            }
            _ => (0, false),
        };
        Kind {
            x: layer.first_input().bits.count(),
            w: layer.weights().map_or(0, |(.., bits)| bits.count()),
            y,
            fraction: layer.requant().map_or(0, |requant| requant.fraction),
            zero: output.zero_point == 0,
            windows,
            whole,
            odd: output.channels % 2 == 1,
            words: layout::armv7em_words(layer),
        }
    }
}

/// Executes a layer by the kernel of the target of this kind; with a plan, if it takes one.
///
/// # Panics
/// If the kernel does.
pub fn run_native(kind: &Kind, layer: &Layer, parameters: &[u8], arena: &mut [u8], plan: Option<Plan>) {
    match (layer, plan) {
        (Layer::Conv(table), Some(plan)) => {
            let conv = (kind.windows, kind.whole, (kind.y, kind.fraction, kind.zero));
            dispatch!(conv conv, kind, table, parameters, arena, &plan)
        }
        (Layer::Linear(table), Some(plan)) => {
            dispatch!(linear kind.y, kind, table, parameters, arena, &plan)
        }
        (Layer::Depthwise(table), _) => {
            dispatch!(depthwise(kind.y, kind.odd), kind, table, parameters, arena)
        }
        (Layer::Add(table), _) => native::add(table, arena),
        (Layer::AveragePool(table), _) => dispatch!(average_pool kind, table, arena),
        (Layer::MaxPool(table), _) => dispatch!(max_pool kind, table, arena),
        _ => unreachable!("only these are made"),
    }
}
