//! What a layer must keep so that a kernel stays inside its parameters and its arena: tensors, windows,
//! weights and tables that lie where there is room for them, and sums that fit 32 bits.
//!
//! Everything here is `const`: `include_model!` has the compiler check these rules, see
//! [`Checked`](crate::Checked).
//!
//! All sizes are counted in 64 bits: a product of 16-bit sizes may not wrap where `usize` has 32.

use core::ops::Range;

use crate::{Bits, GroupedConv, Layer, Multiply, Prelu, Rows, Tensor, Window};

/// Pixels that a pool may cover: the kernels compute `(2 sum + n) / 2n` in 32 bits.
const LARGEST_POOL: u64 = (1 << 23) - 1;

/// Bytes of the largest arena, and of the largest filter: a word of 32 bits holds the number of their bits.
const MOST_BYTES: u64 = 1 << 28;

/// The reason why a rule is broken.
type Verdict = Result<(), &'static str>;

/// Returns the reason if the condition does not hold.
macro_rules! require {
    ($holds:expr, $reason:literal) => {
        if !$holds {
            return Err($reason);
        }
    };
}

/// Returns the reason if there is one. (`?` is not `const`.)
macro_rules! keep {
    ($verdict:expr) => {
        if let Err(reason) = $verdict {
            return Err(reason);
        }
    };
}

// Behind the macros that it uses.
mod parameters;

/// All rules, for a layer beside `parameter_bytes` bytes of parameters, in an arena of `arena_bytes` bytes.
///
/// # Errors
/// The first rule that is broken.
pub(crate) const fn layer(layer: &Layer, parameter_bytes: usize, arena_bytes: usize) -> Verdict {
    keep!(places(layer, arena_bytes));
    keep!(shapes(layer));
    keep!(sums(layer));
    parameters::check(layer, parameter_bytes as u64)
}

/// All rules, for a layer of a stage: the places of its tensors hold so many rows of the first input, the
/// second and the output. Rows are whole words, so that each of them begins with a word.
///
/// Whether its output lies over an input that the arena holds whole: then each stripe must be checked.
///
/// # Errors
/// The first rule that is broken.
pub(crate) const fn striped(
    layer: &Layer,
    held: [u16; 3],
    parameter_bytes: usize,
    arena_bytes: usize,
) -> Result<bool, &'static str> {
    let placed = layer.on_rows(&Rows::held(held));
    keep!(tensors(&placed, arena_bytes));
    let overlaps = match (over_whole(layer, &placed, false), over_whole(layer, &placed, true)) {
        (Ok(first), Ok(second)) => first || second,
        (Err(reason), _) | (_, Err(reason)) => return Err(reason),
    };
    keep!(shapes(layer));
    keep!(sums(layer));
    require!(of_words(layer.first_input()) && of_words(layer.output()), "a row in a stage is not of words");
    if let Some(second) = layer.second_input() {
        // Of a pixel that multiplies others all is one row.
        require!(second.height == 1 || of_words(second), "a row in a stage is not of words");
    }
    if let Layer::Rearrange(table) = layer {
        require!(table.blocks().is_some(), "elements move from row to row in a stage");
    }
    keep!(parameters::check(layer, parameter_bytes as u64));
    Ok(overlaps)
}

/// Whether the output of a layer lies over an input, and the arena holds all rows of both. `placed`: the
/// layer with the rows that the arena holds.
///
/// # Errors
/// The output lies over an input, and may not.
const fn over_whole(layer: &Layer, placed: &Layer, second: bool) -> Result<bool, &'static str> {
    let (whole, input) = match (second, layer.second_input(), placed.second_input()) {
        (false, ..) => (layer.first_input(), placed.first_input()),
        (true, Some(whole), Some(input)) => (whole, input),
        (true, ..) => return Ok(false),
    };
    let output = placed.output();
    if !lies_over(placed, input, second) {
        return Ok(false);
    }
    let are_whole = input.height == whole.height && output.height == layer.output().height;
    require!(are_whole && input.offset != output.offset, "the output overlaps an input");
    Ok(true)
}

const fn of_words(tensor: &Tensor) -> bool {
    (tensor.width as usize * tensor.pixel_bytes()).is_multiple_of(4)
}

/// Tensors in the arena, of which the output lies over none that is read.
const fn places(layer: &Layer, arena_bytes: usize) -> Verdict {
    keep!(tensors(layer, arena_bytes));
    require!(!lies_over(layer, layer.first_input(), false), "the output overlaps an input");
    if let Some(second) = layer.second_input() {
        require!(!lies_over(layer, second, true), "the output overlaps an input");
    }
    Ok(())
}

/// Tensors in the arena.
const fn tensors(layer: &Layer, arena_bytes: usize) -> Verdict {
    require!(arena_bytes as u64 <= MOST_BYTES, "an arena has more than 256 MiB");
    keep!(tensor(layer.first_input(), arena_bytes));
    keep!(tensor(layer.output(), arena_bytes));
    require!(!is_logits(layer.first_input()), "logits are read by a layer");
    if let Some(second) = layer.second_input() {
        keep!(tensor(second, arena_bytes));
        require!(!is_logits(second), "logits are read by a layer");
    }
    Ok(())
}

/// The bytes of a tensor in the arena.
pub(crate) const fn range(tensor: &Tensor) -> Range<u64> {
    let pixels = tensor.height as u64 * tensor.width as u64;
    let start = tensor.offset as u64;
    start..start + pixels * tensor.pixel_bytes() as u64
}

const fn is_logits(tensor: &Tensor) -> bool {
    matches!(tensor.bits, Bits::B32)
}

/// A tensor in its arena.
const fn tensor(tensor: &Tensor, arena_bytes: usize) -> Verdict {
    require!(tensor.height > 0 && tensor.width > 0 && tensor.channels > 0, "a tensor is empty");
    require!(range(tensor).end <= arena_bytes as u64, "a tensor reaches beyond the arena");
    require!(tensor.offset.is_multiple_of(4), "a tensor does not begin at a word of the arena");
    let largest = if is_logits(tensor) { 0 } else { tensor.bits.max_code() };
    require!(tensor.zero_point as i32 <= largest, "a zero point is not a code of its tensor");
    Ok(())
}

/// Whether the output lies over an input, and the layer does not work in place.
const fn lies_over(layer: &Layer, input: &Tensor, second: bool) -> bool {
    let output = layer.output();
    let same_place = input.offset == output.offset && input.bits as u8 == output.bits as u8;
    let in_place = match layer {
        Layer::Add(_) | Layer::Constants(_) | Layer::Elementwise(_) | Layer::Prelu(_) => same_place,
        // One pixel that multiplies several is read again after the first of them is written.
        Layer::Multiply(_) => same_place && same_shape(input, output),
        // What it keeps of the output is its second input; its first one lies elsewhere.
        Layer::Rearrange(_) => same_place && second,
        Layer::Conv(_)
        | Layer::Depthwise(_)
        | Layer::Linear(_)
        | Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Resize(_)
        | Layer::GroupedConv(_) => false,
    };
    !in_place && meet(input, output)
}

/// Whether two tensors overlap.
pub(crate) const fn meet(a: &Tensor, b: &Tensor) -> bool {
    let (a, b) = (range(a), range(b));
    a.start < b.end && b.start < a.end
}

/// Windows that meet the input, and shapes that belong to the operator.
pub(crate) const fn shapes(layer: &Layer) -> Verdict {
    let (x, y) = (layer.first_input(), layer.output());
    // With gaps between taps there are other windows: see `groups`.
    if let (Some(window), false) = (layer.window(), matches!(layer, Layer::GroupedConv(_))) {
        keep!(windows(window, x, y));
    }
    match layer {
        Layer::Conv(_) => {}
        Layer::GroupedConv(conv) => keep!(groups(conv)),
        Layer::Depthwise(_) => {
            require!(x.channels == y.channels, "a depthwise layer changes the channels");
        }
        Layer::Linear(_) => require!(y.pixels() == 1, "a linear layer writes more than one pixel"),
        Layer::AveragePool(_) | Layer::MaxPool(_) => {
            let same = x.channels == y.channels && x.bits as u8 == y.bits as u8;
            require!(same && x.zero_point == y.zero_point, "a pool changes channels, bits or zero point");
        }
        Layer::Add(add) => {
            require!(same_shape(&add.b, x) && same_shape(y, x), "the shapes of an addition differ");
            let small =
                add.multiplier_a.unsigned_abs() < 1 << 22 && add.multiplier_b.unsigned_abs() < 1 << 22;
            require!(
                small && add.shift > 0 && add.shift <= 31,
                "a multiplier or the shift of an addition is out of range"
            );
        }
        Layer::Multiply(multiply) => keep!(multiplication(multiply)),
        Layer::Elementwise(_) => {
            require!(same_shape(y, x), "an elementwise layer changes the shape");
            require!(!is_logits(y), "an elementwise layer writes logits");
        }
        Layer::Prelu(prelu) => {
            require!(same_shape(y, x), "a PReLU changes the shape");
            require!(!is_logits(y), "a PReLU writes logits");
            let small = prelu.multiplier.unsigned_abs() < Prelu::LIMIT.unsigned_abs();
            require!(
                small && prelu.shift > 0 && prelu.shift <= 31,
                "the multiplier or the shift of a PReLU is out of range"
            );
        }
        Layer::Constants(table) => {
            require!(same_shape(y, x), "a layer with constants changes the shape");
            require!(!is_logits(y), "a layer with constants writes logits");
            require!(table.in_range(), "a multiplier or the shift of a layer with constants is out of range");
        }
        Layer::Rearrange(rearrange) => keep!(rearrange.check()),
        Layer::Resize(resize) => keep!(resize.check()),
    }
    Ok(())
}

/// Groups divide the channels, and 16 bits hold the rows and columns that a window covers.
const fn groups(conv: &GroupedConv) -> Verdict {
    let GroupedConv { input, output, groups, dilation_height, dilation_width, .. } = conv;
    require!(
        *groups > 0 && input.channels.is_multiple_of(*groups) && output.channels.is_multiple_of(*groups),
        "the channels are not a multiple of the groups"
    );
    require!(*dilation_height > 0 && *dilation_width > 0, "a dilation is 0");
    let Some(span) = conv.span() else { return Err("a window covers more than 65,535 rows or columns") };
    windows(&span, input, output)
}

/// Shapes that belong together, and a product that 32 bits hold: it is at most `(2^15 - 1) * 255^2`, which is
/// 2,130,674,175. With half a unit of the largest shift, 2^22, it is still below 2^31.
const fn multiplication(multiply: &Multiply) -> Verdict {
    let Multiply { a, b, output, multiplier, shift } = multiply;
    let one_pixel = b.height == 1 && b.width == 1 && b.channels == a.channels;
    require!(same_shape(output, a) && (same_shape(b, a) || one_pixel), "the shapes of a product do not fit");
    require!(!is_logits(output), "a multiplication writes logits");
    let in_range = *shift >= *Multiply::SHIFTS.start() && *shift <= *Multiply::SHIFTS.end();
    require!(
        multiplier.unsigned_abs() < 1 << 15 && in_range,
        "the multiplier or the shift of a multiplication is out of range"
    );
    Ok(())
}

const fn same_shape(a: &Tensor, b: &Tensor) -> bool {
    a.height == b.height && a.width == b.width && a.channels == b.channels
}

pub(crate) const fn windows(window: &Window, x: &Tensor, y: &Tensor) -> Verdict {
    let Window { kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left } = *window;
    require!(
        kernel_height > 0 && kernel_width > 0 && stride_height > 0 && stride_width > 0,
        "a window or a stride is empty"
    );
    require!(
        meets(y.height, stride_height, pad_top, kernel_height, x.height)
            && meets(y.width, stride_width, pad_left, kernel_width, x.width),
        "a window lies wholly in the padding"
    );
    Ok(())
}

/// The first and the last position of the window meet the input; those between then do.
const fn meets(outputs: u16, stride: u16, pad: u16, kernel: u16, inputs: u16) -> bool {
    let last = (outputs as i64 - 1) * stride as i64 - pad as i64;
    pad < kernel && last < inputs as i64
}

/// Sums that do not depend on weights fit their 32 bits.
const fn sums(layer: &Layer) -> Verdict {
    let input = layer.first_input();
    match layer {
        Layer::Conv(_) | Layer::Linear(_) => {
            let elements = taps(layer) * input.channels as u64;
            // A code has at most 8 bits.
            let sum = elements.saturating_mul(input.bits.max_code() as u64);
            require!(sum <= i32::MAX as u64, "the sum of a window's codes may exceed 32 bits");
        }
        Layer::GroupedConv(conv) => {
            let elements = taps(layer) * conv.group_channels() as u64;
            let sum = elements.saturating_mul(input.bits.max_code() as u64);
            require!(sum <= i32::MAX as u64, "the sum of a window's codes may exceed 32 bits");
        }
        Layer::AveragePool(pool) | Layer::MaxPool(pool) => {
            // A window sees no more than the input has.
            let (height, width) = (pool.window.kernel_height as u64, pool.window.kernel_width as u64);
            let height = if height < input.height as u64 { height } else { input.height as u64 };
            let width = if width < input.width as u64 { width } else { input.width as u64 };
            require!(height * width <= LARGEST_POOL, "a pool has 2^23 pixels or more");
        }
        Layer::Depthwise(_)
        | Layer::Add(_)
        | Layer::Constants(_)
        | Layer::Elementwise(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_)
        | Layer::Multiply(_)
        | Layer::Prelu(_) => {}
    }
    Ok(())
}

/// Input pixels that go into an output.
const fn taps(layer: &Layer) -> u64 {
    match layer.window() {
        Some(window) => window.taps() as u64,
        None => layer.first_input().pixels() as u64,
    }
}
