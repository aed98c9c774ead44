//! The weights and tables of one channel, as the loops read them.

use mixq_format::Rule;
use mixq_format::target::armv7em::SHIFTS;

use super::super::Layer;
use super::grid::ByChannel;
use crate::target::armv7em::check::check;

/// The arguments of [`Convolve`](super::convolve::Convolve).
#[repr(C)]
pub(super) struct Channel {
    /// The bias, twice: for both outputs of a pair.
    pub(super) biases: [i32; 2],
    /// Zero point of the output, shifted left by `shift - 32`, which the right shift takes back.
    pub(super) zero_point: i32,
    /// Bytes of an output pixel.
    pub(super) step: usize,
    /// Number of outputs of a row that are computed one by one, less 1, times 256; plus `shift - 32` (0 to
    /// 21).
    pub(super) singles: i32,
    pub(super) multiplier: i32,
    /// Number of pairs of outputs of a row, which are computed first, less 1, times 256; plus `shift - 32`.
    pub(super) pairs: i32,
    /// For the window's rows 2, 1, 0, 2, 1: the pairs of weights `(w0, w1)` and `(w1, w2)`, less the zero
    /// point, in units of the bias. Three consecutive entries are in the order of the three slots; the slot
    /// that has the window's first row decides which three.
    pub(super) weights: [[u32; 2]; 5],
}

/// The channels of the output of a layer.
pub(super) struct Channels<'a, T> {
    layer: Layer<'a, T>,
    small: Option<SmallWindows<T>>,
    /// Bytes from the weights of a tap to those of the next one.
    tap_bytes: usize,
    /// Bytes from an output pixel to the next one of its row.
    pub(super) step: usize,
    /// Outputs of a row: number of pairs, and number of single outputs; both less 1, times 256.
    pub(super) counts: [i32; 2],
}

impl<'a, T: ByChannel> Channels<'a, T> {
    /// The channels of a layer.
    ///
    /// # Panics
    /// If the window is not 3x3, or with `small` larger than 3x3; if the fraction is not below 8, so that 16
    /// bits do not hold the weights; if the rule is not [`Rule::Multiplier`].
    #[inline(always)]
    pub(super) fn new(layer: Layer<'a, T>, small: Option<SmallWindows<T>>) -> Channels<'a, T> {
        let table = layer.table();
        let ([_, output], window, requant) = (table.tensors(), table.window(), table.requant());
        let size = (window.kernel_height, window.kernel_width);
        check(if small.is_some() { size.0 <= 3 && size.1 <= 3 } else { size == (3, 3) });
        check(requant.fraction < 8 && requant.rule == Rule::Multiplier);
        let [_, columns] = table.dilation();
        let step = output.pixel_bytes().wrapping_mul(columns);
        Channels { layer, small, tap_bytes: table.tap_bytes(), step, counts: [0; 2] }
    }

    #[inline(always)]
    pub(super) fn table(&self) -> &'a T {
        self.layer.table()
    }

    /// Writes the arguments of the loops for a channel to `to`, but for its weights.
    ///
    /// # Panics
    /// If the channel's shift is not one of [`SHIFTS`].
    ///
    /// # Safety
    /// The layer has the channel, and `to` may be written.
    #[inline(never)]
    pub(super) unsafe fn write(&self, channel: usize, to: *mut Channel) {
        let [pairs, singles] = self.counts;
        let table = self.layer.table();
        let ([_, output], requant) = (table.tensors(), table.requant());
        let entry = channel * usize::from(requant.multiplier_step);
        // SAFETY: the check of the layer found that the parameters hold these entries for every channel.
        let (bias, multiplier, shift) = unsafe {
            (
                self.at(requant.bias, 4 * channel).cast::<i32>().read_unaligned(),
                self.at(requant.multiplier, 4 * entry).cast::<i32>().read_unaligned(),
                *self.at(requant.shift, entry),
            )
        };
        // Other shifts would change the counts: see `Channel::singles`.
        check(SHIFTS.contains(&shift));
        let shift = i32::from(shift) - 32;
        // SAFETY: writes fields of `to`, which the caller allows.
        unsafe {
            (*to).biases = [bias; 2];
            (*to).zero_point = i32::from(output.zero_point) << shift;
            (*to).step = self.step;
            (*to).singles = singles + shift;
            (*to).multiplier = multiplier;
            (*to).pairs = pairs + shift;
        }
    }

    /// Writes the weights of a channel to `to`.
    ///
    /// # Safety
    /// The layer has the channel, and `to` may be written.
    // Beside `write`, not called by it: the stack of both would be taken at once.
    #[inline(always)]
    pub(super) unsafe fn write_weights(&self, channel: usize, to: *mut Channel) {
        // SAFETY: as the caller says.
        unsafe {
            match self.small {
                Some(small) => small(self, channel, to),
                None => self.write_3x3(channel, to),
            }
        }
    }

    /// The same of a window of 3x3.
    ///
    /// # Safety
    /// As of [`write_weights`](Channels::write_weights).
    #[inline(never)]
    unsafe fn write_3x3(&self, channel: usize, to: *mut Channel) {
        // SAFETY: reads a byte of each of the nine weights of a window of 3x3, which the parameters hold: the
        // check of the layer found it. Writes a field of `to`, which the caller allows.
        unsafe {
            let Unpacked { byte, left, right, scale, offset } = self.unpacked(channel);
            let from = self.at(self.layer.table().weights(), byte);
            weights(from, self.tap_bytes, left, right, scale, offset, &raw mut (*to).weights);
        }
    }

    /// How the weights of a channel are unpacked.
    ///
    /// # Safety
    /// The layer has the channel.
    #[inline(always)]
    unsafe fn unpacked(&self, channel: usize) -> Unpacked {
        let table = self.layer.table();
        let requant = table.requant();
        let zero_point = channel * usize::from(requant.zero_point_step);
        // SAFETY: the check of the layer found that the parameters hold this entry for every channel.
        let zero_point = unsafe { *self.at(requant.weight_zero_point, zero_point) } as i8;
        let (bits, bit) = (table.weight_bits().count(), table.first_bit(channel));
        Unpacked {
            byte: bit / 8,
            left: 32 - bits - bit % 8,
            right: 32 - bits,
            scale: 1 << requant.fraction,
            offset: -i32::from(zero_point) << requant.fraction,
        }
    }

    /// The place of an entry of a table, or of a weight, in the parameters.
    #[inline(always)]
    fn at(&self, offset: u32, entry: usize) -> *const u8 {
        self.layer.parameters().as_ptr().wrapping_add(offset as usize + entry)
    }
}

/// How the weights of a channel are unpacked: a byte is shifted to the left, then to the right with the sign,
/// multiplied by `scale`, and `offset` is added.
struct Unpacked {
    /// Bytes from the first weight of the layer to the byte that holds the channel's first one.
    byte: usize,
    left: usize,
    right: usize,
    /// A weight less its zero point has 9 bits. Multiplied by this, at most 2^7, it is in units of the bias,
    /// and a 16-bit half holds it.
    scale: i32,
    offset: i32,
}

/// Writes the weights of a window that is smaller than 3x3: see [`small_windows`].
pub(super) type SmallWindows<T> = unsafe fn(&Channels<T>, usize, *mut Channel);

/// As [`weights`], for a window that is smaller than 3x3: it becomes the upper left part of a window of 3x3
/// whose other weights are 0.
///
/// # Safety
/// The layer has the channel, and `to` may be written.
#[inline(never)]
pub(super) unsafe fn small_windows<T: ByChannel>(channels: &Channels<T>, channel: usize, to: *mut Channel) {
    let (layer, tap_bytes) = (channels.layer, channels.tap_bytes);
    // SAFETY: the layer has the channel.
    let Unpacked { byte, left, right, scale, offset } = unsafe { channels.unpacked(channel) };
    let (table, window) = (layer.table(), layer.table().window());
    let (height, width) = (usize::from(window.kernel_height), usize::from(window.kernel_width));
    let rows = &layer.parameters()[table.weights() as usize..];
    for row in 0..3 {
        let mut w = [0; 3];
        let inside = if row < height { width } else { 0 };
        for (column, w) in w.iter_mut().enumerate().take(inside) {
            let weight = u32::from(rows[(row * width + column) * tap_bytes + byte]) << left;
            // The lower 16 bits: the loops multiply signed halves.
            *w = ((weight as i32 >> right) * scale + offset) as u16;
        }
        let pair = |a: u16, b: u16| u32::from(a) | u32::from(b) << 16;
        // The entries of `row` in the order 2, 1, 0, 2, 1.
        for entry in [2 - row, 5 - row].into_iter().filter(|entry| *entry < 5) {
            // SAFETY: writes an entry of a field of `to`, which the caller allows.
            unsafe { (&raw mut (*to).weights[entry]).write([pair(w[0], w[1]), pair(w[1], w[2])]) };
        }
    }
}

/// Unpacks nine weights from bytes that are `tap_bytes` apart, as [`Unpacked`] says. Writes
/// [`Channel::weights`].
///
/// # Safety
/// The nine bytes may be read from `from` on, and `to` may be written.
#[unsafe(naked)]
unsafe extern "C" fn weights(
    from: *const u8,
    tap_bytes: usize,
    left: usize,
    right: usize,
    scale: i32,
    offset: i32,
    to: *mut [[u32; 2]; 5],
) {
    naked_asm!(
        "push {{r4-r9}}",
        "ldrd r7, r8, [sp, #24]",
        "ldr r9, [sp, #32]",
        // The window's rows 0, 1, 2 are entries 2, 1, 0.
        "add r9, r9, #16",
        "mov r12, #3",
        "2:",
        "ldrb r4, [r0]",
        "ldrb r5, [r0, r1]",
        "ldrb r6, [r0, r1, lsl #1]",
        "add r0, r0, r1",
        "add r0, r0, r1, lsl #1",
        "lsl r4, r4, r2",
        "lsl r5, r5, r2",
        "lsl r6, r6, r2",
        "asr r4, r4, r3",
        "asr r5, r5, r3",
        "asr r6, r6, r3",
        "mla r4, r4, r7, r8",
        "mla r5, r5, r7, r8",
        "mla r6, r6, r7, r8",
        "pkhbt r4, r4, r5, lsl #16",
        "pkhbt r5, r5, r6, lsl #16",
        "strd r4, r5, [r9], #-8",
        "subs r12, r12, #1",
        "bne 2b",
        // Entries 3 and 4 repeat entries 0 and 1.
        "add r9, r9, #8",
        "ldm r9, {{r4-r7}}",
        "add r9, r9, #24",
        "stm r9, {{r4-r7}}",
        "pop {{r4-r9}}",
        "bx lr",
    )
}
