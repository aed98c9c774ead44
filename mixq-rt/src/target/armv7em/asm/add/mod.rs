//! Residual addition; sum and product of a tensor and constants: four elements at once.
//!
//! A loop unpacks the codes of four elements to the bytes of a word, for any width of the tensor. The
//! accumulator is the negated sum, `m_a Z_a + m_b Z_b - m_a q_a - m_b q_b`, or the negated product,
//! `-m (q_a - Z_a) (q_b - Z_b)`. The loop multiplies it by `-2^(32-s)`, because 32 bits hold this factor for
//! a shift of 1, too, but not `2^(32-s)`. The rounded high word, plus `Z_y`, is
//! `Z_y + floor((sum + 2^(s-1)) / 2^s)`.
//!
//! Constants are a second input: [`rearrange`](mixq_format::target::armv7em::rearrange) has made their codes
//! unsigned.

mod loops;

use core::mem::offset_of;

use mixq_format::{Add, Bits, Constants, Operands, Operation, Tensor};

use crate::target::armv7em::check::check;
use loops::{add, multiply};

/// Elements that one round of a loop joins.
const UNIT: usize = 4;

/// The arguments of a loop. The inputs are in the order of their widths: the wider one first.
#[repr(C)]
struct Arguments {
    /// Multipliers of both inputs, negated. Of a product: `-Z_a` in both halves of a word, and `-Z_b`.
    inputs: [i32; 2],
    /// `m_a Z_a + m_b Z_b`. Of a product: `-m`.
    constant: i32,
    /// `-2^(32-s)`.
    scale: i32,
    /// Zero point of the output.
    zero_point: i32,
    /// The entry of the loop's jump table for the widths of the inputs.
    widths: u32,
    /// The processor flags that the loop keeps set. C: both inputs have 8 bits; Z: the output has 8 bits;
    /// N: the output has 4 bits.
    flags: u32,
    /// Bits of a code of both inputs and of the output.
    bits: [usize; 3],
    /// Bytes to both inputs and to the output: from the start of the arena; to constants, from the start of
    /// the parameters.
    offsets: [usize; 3],
}

/// [`add`] or [`multiply`].
type Loop = unsafe extern "C" fn(*const Arguments, usize, *const u8, *const u8, *mut u8);

// One instruction loads the first five fields, another one `widths` and `flags`.
const _: () = assert!(
    offset_of!(Arguments, zero_point) == 16
        && offset_of!(Arguments, flags) == offset_of!(Arguments, widths) + 4
);

// Bits of the register APSR.
const N: u32 = 1 << 31;
const Z: u32 = 1 << 30;
const C: u32 = 1 << 29;

/// Executes an addition whose output are codes.
///
/// # Panics
/// If the output are logits.
#[inline(never)]
pub(crate) fn execute(operands: Operands<Add>) {
    let (table, _, arena) = operands.parts();
    let inputs = [(&table.a, table.multiplier_a), (&table.b, table.multiplier_b)];
    let arguments = Arguments::new(inputs, &table.output, table.shift);
    let at = arguments.offsets.map(|offset| arena.as_mut_ptr().wrapping_add(offset));
    // SAFETY: `Operands` proves that the tensors lie in the arena.
    unsafe { arguments.run(add, at, &table.output) };
}

/// Executes a layer with constants: a product or a sum.
///
/// # Panics
/// If the output are logits, or it is the other one.
#[inline(always)]
pub(crate) fn with_constants<const PRODUCT: bool>(operands: Operands<Constants>) {
    check(PRODUCT == matches!(operands.table().operation, Operation::Product));
    constants(operands, if PRODUCT { multiply } else { add });
}

#[inline(never)]
fn constants(operands: Operands<Constants>, join: Loop) {
    let (table, parameters, arena) = operands.parts();
    let Constants { input, output, multiplier, multiplier_constant, .. } = table;
    // As a tensor. Its codes are offset by half their range, and so is their zero point.
    let half = 1 << (table.weight_bits.count() - 1);
    let constants = Tensor {
        bits: table.weight_bits,
        zero_point: (i32::from(table.weight_zero_point) + half) as u8,
        offset: table.weights,
        ..*input
    };
    let inputs = [(input, *multiplier), (&constants, *multiplier_constant)];
    let mut arguments = Arguments::new(inputs, output, table.shift);
    // The wider one is the first.
    let first = table.weight_bits > input.bits;
    if table.operation == Operation::Product {
        let pair = |tensor: &Tensor| {
            let zero_point = i32::from(tensor.zero_point).wrapping_neg();
            zero_point & 0xffff | zero_point << 16
        };
        let [a, b] = if first { [&constants, input] } else { [input, &constants] };
        arguments.inputs = [pair(a), pair(b)];
        arguments.constant = multiplier.wrapping_neg();
    }
    let mut at = arguments.offsets.map(|offset| arena.as_mut_ptr().wrapping_add(offset));
    let place = if first { 0 } else { 1 };
    at[place] = parameters.as_ptr().wrapping_add(arguments.offsets[place]).cast_mut();
    // SAFETY: `Operands` proves that the tensors lie in the arena, and the constants in the parameters, which
    // the loops only read.
    unsafe { arguments.run(join, at, output) };
}

impl Arguments {
    /// The arguments of a sum.
    ///
    /// # Panics
    /// If the output are logits.
    #[inline(always)]
    fn new([mut a, mut b]: [(&Tensor, i32); 2], output: &Tensor, shift: u32) -> Arguments {
        if b.0.bits > a.0.bits {
            (a, b) = (b, a);
        }
        let ((a, multiplier_a), (b, multiplier_b)) = (a, b);
        check(output.bits <= Bits::B8);
        let narrow = |bits: Bits| 3 - bits.count().trailing_zeros();
        let widths = 3 * narrow(a.bits) + narrow(b.bits);
        let writes = match output.bits {
            Bits::B8 => Z,
            Bits::B4 => N,
            _ => 0,
        };
        Arguments {
            inputs: [multiplier_a.wrapping_neg(), multiplier_b.wrapping_neg()],
            constant: multiplier_a
                .wrapping_mul(a.zero_point.into())
                .wrapping_add(multiplier_b.wrapping_mul(b.zero_point.into())),
            scale: i32::MIN >> (shift - 1),
            zero_point: output.zero_point.into(),
            widths,
            flags: writes | if widths == 0 { C } else { 0 },
            bits: [a, b, output].map(|tensor| tensor.bits.count()),
            offsets: [a, b, output].map(|tensor| tensor.offset as usize),
        }
    }

    /// Joins all elements by a loop.
    ///
    /// # Safety
    /// Both inputs may be read, and the output written, where `at` says. The output may be an input: then
    /// both pointers are derived from one pointer.
    #[inline(always)]
    unsafe fn run(&self, join: Loop, mut at: [*mut u8; 3], output: &Tensor) {
        let (pixels, channels) = (output.pixels(), usize::from(output.channels));
        // If no pixel ends inside a byte, all pixels are joined as one row; else each pixel is a row.
        let seamless = |bits: usize| (channels * bits).is_multiple_of(8);
        let narrowest = self.bits.into_iter().min().unwrap_or(8);
        let (rows, elements) = if seamless(narrowest) { (1, pixels * channels) } else { (pixels, channels) };
        let row_bytes = self.bits.map(|bits| (bits * elements).div_ceil(8));
        let (units, rest) = (elements / UNIT, elements % UNIT);
        for _ in 0..rows {
            let [a, b, output] = at;
            let end = |tensor: usize| at[tensor].wrapping_add(units * self.bits[tensor] / 2);
            // SAFETY: reads a row of both inputs and writes a row of the output, which the caller allows.
            unsafe {
                join(self, units, a, b, output);
                self.last(join, [end(0), end(1), end(2)], rest);
            }
            at = [0, 1, 2].map(|tensor| at[tensor].wrapping_add(row_bytes[tensor]));
        }
    }

    /// Joins the last elements of a row, 0 to 3. `at`: their places in both inputs and in the output.
    ///
    /// # Safety
    /// The bytes of these elements may be read in both inputs and written in the output.
    #[inline(never)]
    unsafe fn last(&self, join: Loop, at: [*mut u8; 3], elements: usize) {
        let bytes = self.bits.map(|bits| (bits * elements).div_ceil(8));
        let mut unit = [0u32; 3];
        let [a, b, output] = &mut unit;
        // SAFETY: the caller promises the bytes of the tensors. Each word of `unit` has four bytes: `copy`
        // accesses at most three of them, and `join` at most four.
        unsafe {
            copy(at[0], (&raw mut *a).cast(), bytes[0]);
            copy(at[1], (&raw mut *b).cast(), bytes[1]);
            join(self, 1, (&raw const *a).cast(), (&raw const *b).cast(), (&raw mut *output).cast());
            *output &= (1 << (self.bits[2] * elements)) - 1;
            copy((&raw const *output).cast(), at[2], bytes[2]);
        }
    }
}

/// # Safety
/// `bytes` bytes at `from` may be read, and as many at `to` written.
#[unsafe(naked)]
unsafe extern "C" fn copy(from: *const u8, to: *mut u8, bytes: usize) {
    naked_asm!(
        "2:",
        "subs r2, r2, #1",
        "itt hs",
        "ldrbhs r3, [r0], #1",
        "strbhs r3, [r1], #1",
        "bhi 2b",
        "bx lr",
    )
}
