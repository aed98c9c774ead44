//! Requantisation of four pixels at once: about nine instructions for a code.

use core::arch::naked_asm;

use mixq_format::layout::{SHIFTS, armv7em_requantises};
use mixq_format::{Bits, Requant, Tensor};

use super::{PIXELS, Scratch};

// In an instruction of the loops.
const _: () = assert!(Requant::FRACTION == 4);

// |high word| <= 2^30.
const _: () = assert!((255i64 << (*SHIFTS.end() - 32)) + (1 << 30) < 1 << 31);

/// What a loop is given; the first four in registers.
#[repr(C)]
struct Call {
    accumulators: *const [i32; PIXELS],
    biases: *const u8,
    multipliers: *const u8,
    shifts: *const u8,
    zero_points: *const u8,
    accumulators_end: *const [i32; PIXELS],
    zero_point: u32,
    zero_point_step: usize,
    /// Where the codes go: from the shift's address for 8 bits, by pixel; from that of the bias for others.
    distances: [usize; PIXELS],
    /// Of the inputs, by pixel.
    sums: *const [i32; PIXELS],
    fraction: u32,
}

/// The tables of a layer that the loops take.
pub(crate) struct Tables<'a> {
    requant: &'a Requant,
    output: &'a Tensor,
    parameters: &'a [u8],
}

impl<'a> Tables<'a> {
    /// Those of a layer that writes `output`; `None` where the loops do not take them: for logits, one multiplier for all channels, and what
    /// [`armv7em_requantises`] does not take.
    ///
    /// # Panics
    /// If they are not in the parameters.
    #[inline(never)]
    pub(crate) fn new(requant: &'a Requant, output: &'a Tensor, parameters: &'a [u8]) -> Option<Tables<'a>> {
        let channels = usize::from(output.channels);
        let usual = output.bits != Bits::B32
            && requant.multiplier_step == 1
            && armv7em_requantises(requant, channels, parameters);
        let holds = |offset: u32, bytes: usize| offset as usize + bytes <= parameters.len();
        assert!(holds(requant.bias, 4 * channels) && holds(requant.multiplier, 4 * channels) || !usual);
        assert!(holds(requant.shift, channels) || !usual);
        assert!(
            holds(requant.weight_zero_point, requant.zero_points(channels)) && requant.zero_point_step <= 1
        );
        usual.then_some(Tables { requant, output, parameters })
    }

    /// Writes the codes of `count` output channels from `channel` on, a multiple of four, of at most four pixels; the accumulators of
    /// `scratch` become garbage, or hold the codes for [`pack`].
    ///
    /// # Panics
    /// If there are no such channels or pixels.
    #[inline(never)]
    pub(crate) fn requantise(&self, scratch: &mut Scratch, [channel, count]: [usize; 2], pixels: &mut [u8]) {
        let Tables { requant, output, parameters } = *self;
        let pixel_bytes = output.pixel_bytes();
        let last = pixels.len() - pixel_bytes;
        assert!(count > 0 && channel + count <= usize::from(output.channels) && last <= 3 * pixel_bytes);
        let from = |offset: u32, first: usize| parameters.as_ptr().wrapping_add(offset as usize + first);
        let (_, accumulators, _) = scratch.parts(count);
        let (biases, shifts) = (from(requant.bias, 4 * channel), from(requant.shift, channel));
        // The one that the build prefers, and any other.
        let usual = requant.fraction == Requant::FRACTION;
        // The loops have gone on to the next channel's entry when they write.
        let (target, run, entry): (_, unsafe extern "C" fn(Call), _) = match output.bits {
            Bits::B8 => {
                let out = pixels.as_mut_ptr().wrapping_add(channel);
                (out as usize, if usual { codes8 } else { other8 }, shifts as usize + 1)
            }
            Bits::B4 => (accumulators as usize, if usual { codes4 } else { other4 }, biases as usize + 4),
            _ => (accumulators as usize, if usual { codes2 } else { other2 }, biases as usize + 4),
        };
        let distance = target.wrapping_sub(entry);
        // The first pixel is written last, over what belongs to pixels that are not there.
        let there = |pixel: usize| {
            let step = pixel * pixel_bytes;
            distance.wrapping_add(if step <= last { step } else { 0 })
        };
        let call = Call {
            accumulators,
            biases,
            multipliers: from(requant.multiplier, 4 * channel),
            shifts,
            zero_points: from(requant.weight_zero_point, usize::from(requant.zero_point_step) * channel),
            accumulators_end: accumulators.wrapping_add(count),
            zero_point: output.zero_point.into(),
            zero_point_step: requant.zero_point_step.into(),
            distances: [distance, there(1), there(2), there(3)],
            sums: scratch.totals(),
            fraction: requant.fraction.into(),
        };
        // SAFETY: the loops read an entry of each table for each channel, which are in the parameters (checked by `new`), and write a byte for each
        // channel and pixel: of 8 bits into `pixels`, others into the first quarter of the accumulators, behind what they have read.
        unsafe { run(call) }
    }
}

/// Packs the codes of less than 8 bits that [`Tables::requantise`] left in the scratch: the same arguments.
///
/// # Panics
/// If the pixels have fewer bytes, or the scratch fewer accumulators.
#[inline(never)]
pub(crate) fn pack(output: &Tensor, scratch: &mut Scratch, [channel, count]: [usize; 2], pixels: &mut [u8]) {
    let bits = output.bits.count();
    let each = 8 / bits;
    let (begin, pixel_bytes) = (channel * bits / 8, output.pixel_bytes());
    let codes: &[u32] = bytemuck::cast_slice(scratch.accumulators(count).as_flattened());
    for (byte, codes) in codes[..count].chunks(each).enumerate() {
        let mut word = 0;
        for (index, codes) in codes.iter().enumerate() {
            word |= codes << (index * bits);
        }
        let bytes = pixels[begin + byte..].iter_mut().step_by(pixel_bytes);
        for (byte, code) in bytes.zip(word.to_le_bytes()) {
            *byte = code;
        }
    }
}

macro_rules! codes {
    ($name:ident, $saturate:literal, [$($add:literal),*], [$($store:literal),*]) => {
        /// # Safety
        /// As [`Tables::requantise`] says.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(call: Call) {
            // On the stack, above the registers: 36 zero points, 40 end of the accumulators, 44 zero point, 48 step of weight zero points, 52 distances, 68 sums, 72 fraction.
            naked_asm!(
                "push {{r4-r11, lr}}",
                "ldr r12, [sp, #36]",
                "2:",
                "ldm r0!, {{r4-r7}}",
                "ldr r8, [sp, #68]",
                "ldm r8, {{r8-r11}}",
                "ldrsb lr, [r12]",
                // Without Z_w sum(q_x), with B.
                "mls r4, lr, r8, r4",
                "ldr r8, [r1], #4",
                "mls r5, lr, r9, r5",
                "mls r6, lr, r10, r6",
                "mls r7, lr, r11, r7",
                "ldr r9, [r2], #4",
                "ldrb r10, [r3], #1",
                "ldrd lr, r11, [sp, #44]",
                "add r12, r12, r11",
                $($add,)*
                // The high word of the product, and Z_y where the shift will bring it.
                "sub r10, r10, #32",
                "lsl lr, lr, r10",
                "smmla r4, r4, r9, lr",
                "smmla r5, r5, r9, lr",
                "smmla r6, r6, r9, lr",
                "smmla r7, r7, r9, lr",
                "asr r4, r4, r10",
                "asr r5, r5, r10",
                "asr r6, r6, r10",
                "asr r7, r7, r10",
                concat!("usat r4, ", $saturate, ", r4"),
                concat!("usat r5, ", $saturate, ", r5"),
                concat!("usat r6, ", $saturate, ", r6"),
                concat!("usat r7, ", $saturate, ", r7"),
                $($store,)*
                "ldr lr, [sp, #40]",
                "cmp r0, lr",
                "bne 2b",
                "pop {{r4-r11, pc}}",
            )
        }
    };
}

macro_rules! both {
    ($name:ident, $other:ident, $saturate:literal, [$($store:literal),*]) => {
        codes!(
            $name,
            $saturate,
            ["add r4, r8, r4, lsl #4", "add r5, r8, r5, lsl #4", "add r6, r8, r6, lsl #4", "add r7, r8, r7, lsl #4"],
            [$($store),*]
        );
        codes!(
            $other,
            $saturate,
            [
                "ldr r11, [sp, #72]",
                "lsl r4, r4, r11",
                "lsl r5, r5, r11",
                "lsl r6, r6, r11",
                "lsl r7, r7, r11",
                "add r4, r4, r8",
                "add r5, r5, r8",
                "add r6, r6, r8",
                "add r7, r7, r8"
            ],
            [$($store),*]
        );
    };
}

both!(
    codes8,
    other8,
    "#8",
    [
        "ldrd r8, r9, [sp, #52]",
        "ldrd r10, r11, [sp, #60]",
        "strb r7, [r3, r11]",
        "strb r6, [r3, r10]",
        "strb r5, [r3, r9]",
        "strb r4, [r3, r8]"
    ]
);

macro_rules! narrow {
    ($name:ident, $other:ident, $saturate:literal) => {
        both!(
            $name,
            $other,
            $saturate,
            [
                "ldr r8, [sp, #52]",
                "orr r4, r4, r5, lsl #8",
                "orr r4, r4, r6, lsl #16",
                "orr r4, r4, r7, lsl #24",
                "str r4, [r1, r8]"
            ]
        );
    };
}

narrow!(codes4, other4, "#4");
narrow!(codes2, other2, "#2");
