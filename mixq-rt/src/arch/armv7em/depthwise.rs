//! Depthwise convolution with a window of 3x3: one channel at a time, from three widened rows of the input.
//!
//! Two columns of a row are a word; the three weights of a row are two words, `(w0, w1)` and `(w1, w2)`: a row of the window is
//! one `SMLAD` and one `SMLABT`, or `SMLATB` and `SMLAD` for the column to the right.

use core::arch::naked_asm;

/// Elements of a row, with its padding.
pub(crate) const ROW: usize = 68;

// Offsets in the assembly.
const _: () = assert!(ROW * 2 == 136);

/// Memory for three rows, two elements a word.
pub(crate) type Memory = [[u32; ROW / 2]; 3];

/// Three rows of one channel; row `i` of the input is in slot `i` modulo 3.
pub(crate) struct Rows<'a>(pub(crate) &'a mut Memory);

/// Where a channel's codes are in a pixel.
pub(crate) struct Place {
    /// Bytes from the start of the pixel.
    pub(crate) byte: usize,
    /// Bits from there.
    pub(crate) shift: u32,
    /// Bits of a code.
    pub(crate) bits: usize,
}

impl Place {
    pub(crate) const fn new(channel: usize, bits: usize) -> Place {
        Place { byte: channel * bits / 8, shift: (channel * bits % 8) as u32, bits }
    }
}

/// What a row of output is made with.
pub(crate) struct Channel {
    /// `(w0, w1)` and `(w1, w2)` of the window's three rows, less the zero point; the first two rows again.
    pub(crate) weights: [[u32; 2]; 5],
    pub(crate) bias: i32,
    pub(crate) multiplier: i32,
    /// Less 32; 0 to 21.
    pub(crate) shift: u32,
    /// Of the output.
    pub(crate) zero_point: u8,
}

#[repr(C)]
struct Call {
    x: *const u16,
    weights: *const [u32; 2],
    multiplier: i32,
    shift: u32,
    /// 36, above the registers that the loops save.
    out: *mut u8,
    /// 40.
    bias: i32,
    /// 44: where the shift will bring it.
    zero_point: u32,
    /// 48: bytes of a pixel.
    step: usize,
    /// 52.
    x_end: *const u16,
    /// 56: of the code in its byte.
    code_shift: u32,
}

impl Rows<'_> {
    /// Writes the codes of one channel, of pixels `pixel_bytes` apart, between `left` and as many as needed elements of padding.
    ///
    /// # Panics
    /// If they do not fit, or `pixels` are fewer.
    #[inline(always)]
    pub(crate) fn load(
        &mut self,
        slot: usize,
        pixels: &[u8],
        pixel_bytes: usize,
        place: &Place,
        [left, count, right]: [usize; 3],
        padding: u16,
    ) {
        let row: &mut [u16] = bytemuck::cast_slice_mut(&mut self.0[slot]);
        for element in &mut row[..left] {
            *element = padding;
        }
        for element in &mut row[left + count..][..right] {
            *element = padding;
        }
        if count == 0 {
            return;
        }
        let from = &pixels[place.byte..];
        assert!((count - 1) * pixel_bytes < from.len());
        let (from, to) = (from.as_ptr(), row[left..].as_mut_ptr());
        // SAFETY: reads a byte of each of `count` pixels and writes as many elements; asserted above.
        unsafe {
            if place.bits == 8 {
                load8(from, to, pixel_bytes, count);
            } else {
                let mask = ((1 << place.bits) - 1) * 0x0001_0001;
                load_narrow(from, to, pixel_bytes, count, place.shift, mask);
            }
        }
    }

    /// Computes `count` codes of a row of output, whose windows begin `stride` (1 or 2) elements apart and whose first row is in slot
    /// `first`; codes below 8 bits are added to their bytes.
    ///
    /// # Panics
    /// If `out` has fewer pixels, or the rows fewer elements.
    #[inline(always)]
    pub(crate) fn convolve(
        &self,
        channel: &Channel,
        first: usize,
        [stride, count]: [usize; 2],
        out: &mut [u8],
        pixel_bytes: usize,
        place: &Place,
    ) {
        assert!(stride == 1 || stride == 2);
        assert!((count - 1) * stride + 3 < ROW && (count - 1) * pixel_bytes + place.byte < out.len());
        let pairs = if stride == 1 { count & !1 } else { 0 };
        let x: *const u16 = self.0.as_ptr().cast();
        let mut call = Call {
            x,
            // The window's row that is in slot 0 comes first.
            weights: &raw const channel.weights[(3 - first) % 3],
            multiplier: channel.multiplier,
            shift: channel.shift,
            out: out.as_mut_ptr().wrapping_add(place.byte),
            bias: channel.bias,
            zero_point: u32::from(channel.zero_point) << channel.shift,
            step: pixel_bytes,
            x_end: x.wrapping_add(pairs),
            code_shift: place.shift,
        };
        let (two, one): (Run, Run) = match place.bits {
            8 => (pairs8, singles8),
            4 => (pairs4, singles4),
            _ => (pairs2, singles2),
        };
        // SAFETY: the loops read three rows of three elements and one more for each output, whose start is even, and write a byte of each
        // pixel; asserted above.
        unsafe {
            if pairs > 0 {
                two(Call { ..call });
            }
            if pairs < count {
                call.x = call.x_end;
                call.out = call.out.wrapping_add(pairs * pixel_bytes);
                // By two elements, also where one output alone is left.
                call.x_end = call.x.wrapping_add(2 * (count - pairs));
                one(call);
            }
        }
    }
}

type Run = unsafe extern "C" fn(Call);

/// # Safety
/// `count` (at least 1) pixels are `pitch` bytes apart; `to` has room for as many elements.
#[unsafe(naked)]
unsafe extern "C" fn load8(from: *const u8, to: *mut u16, pitch: usize, count: usize) {
    naked_asm!(
        "push {{r4-r7}}",
        "add r12, r2, r2, lsl #1",
        "subs r3, r3, #4",
        "blt 3f",
        "2:",
        "ldrb r4, [r0]",
        "ldrb r5, [r0, r2]",
        "ldrb r6, [r0, r2, lsl #1]",
        "ldrb r7, [r0, r12]",
        "add r0, r0, r2, lsl #2",
        "orr r4, r4, r5, lsl #16",
        "orr r6, r6, r7, lsl #16",
        "str r4, [r1], #4",
        "str r6, [r1], #4",
        "subs r3, r3, #4",
        "bge 2b",
        "3:",
        "adds r3, r3, #4",
        "beq 5f",
        "4:",
        "ldrb r4, [r0]",
        "add r0, r0, r2",
        "strh r4, [r1], #2",
        "subs r3, r3, #1",
        "bne 4b",
        "5:",
        "pop {{r4-r7}}",
        "bx lr",
    )
}

/// # Safety
/// As [`load8`]; `mask` for both halves of a word.
#[unsafe(naked)]
unsafe extern "C" fn load_narrow(
    from: *const u8,
    to: *mut u16,
    pitch: usize,
    count: usize,
    shift: u32,
    mask: u32,
) {
    naked_asm!(
        "push {{r4-r9}}",
        "ldrd r8, r9, [sp, #24]",
        "add r12, r2, r2, lsl #1",
        "subs r3, r3, #4",
        "blt 3f",
        "2:",
        "ldrb r4, [r0]",
        "ldrb r5, [r0, r2]",
        "ldrb r6, [r0, r2, lsl #1]",
        "ldrb r7, [r0, r12]",
        "add r0, r0, r2, lsl #2",
        "orr r4, r4, r5, lsl #16",
        "orr r6, r6, r7, lsl #16",
        "lsr r4, r4, r8",
        "lsr r6, r6, r8",
        "and r4, r4, r9",
        "and r6, r6, r9",
        "str r4, [r1], #4",
        "str r6, [r1], #4",
        "subs r3, r3, #4",
        "bge 2b",
        "3:",
        "adds r3, r3, #4",
        "beq 5f",
        "4:",
        "ldrb r4, [r0]",
        "add r0, r0, r2",
        "lsr r4, r4, r8",
        "and r4, r4, r9",
        "strh r4, [r1], #2",
        "subs r3, r3, #1",
        "bne 4b",
        "5:",
        "pop {{r4-r9}}",
        "bx lr",
    )
}

macro_rules! convolve {
    ($pairs:ident, $singles:ident, $saturate:literal, [$($merge:literal),*], [$($merge_one:literal),*]) => {
        /// # Safety
        /// As [`Rows::convolve`] says.
        #[unsafe(naked)]
        unsafe extern "C" fn $pairs(call: Call) {
            naked_asm!(
                "push {{r4-r11, lr}}",
                "mov r11, r2",
                "mov r12, r3",
                "ldr lr, [sp, #36]",
                "ldm r1, {{r1-r6}}",
                "2:",
                "ldr r7, [sp, #40]",
                "ldrd r9, r10, [r0, #136]",
                "mov r8, r7",
                "smlad r7, r9, r3, r7",
                "smlatb r8, r9, r3, r8",
                "smlabt r7, r10, r4, r7",
                "smlad r8, r10, r4, r8",
                "ldrd r9, r10, [r0, #272]",
                "smlad r7, r9, r5, r7",
                "smlatb r8, r9, r5, r8",
                "smlabt r7, r10, r6, r7",
                "smlad r8, r10, r6, r8",
                "ldrd r9, r10, [r0], #4",
                "smlad r7, r9, r1, r7",
                "smlatb r8, r9, r1, r8",
                "smlabt r7, r10, r2, r7",
                "smlad r8, r10, r2, r8",
                "ldrd r9, r10, [sp, #44]",
                "smmla r7, r7, r11, r9",
                "smmla r8, r8, r11, r9",
                "asr r7, r7, r12",
                "asr r8, r8, r12",
                concat!("usat r7, ", $saturate, ", r7"),
                concat!("usat r8, ", $saturate, ", r8"),
                $($merge,)*
                "strb r7, [lr]",
                "strb r8, [lr, r10]",
                "ldr r9, [sp, #52]",
                "add lr, lr, r10, lsl #1",
                "cmp r0, r9",
                "bne 2b",
                "pop {{r4-r11, pc}}",
            )
        }

        /// # Safety
        /// As [`Rows::convolve`] says.
        #[unsafe(naked)]
        unsafe extern "C" fn $singles(call: Call) {
            naked_asm!(
                "push {{r4-r11, lr}}",
                "mov r11, r2",
                "mov r12, r3",
                "ldr lr, [sp, #36]",
                "ldm r1, {{r1-r6}}",
                "2:",
                "ldr r7, [sp, #40]",
                "ldrd r9, r10, [r0, #136]",
                "smlad r7, r9, r3, r7",
                "smlabt r7, r10, r4, r7",
                "ldrd r9, r10, [r0, #272]",
                "smlad r7, r9, r5, r7",
                "smlabt r7, r10, r6, r7",
                "ldrd r9, r10, [r0], #4",
                "smlad r7, r9, r1, r7",
                "smlabt r7, r10, r2, r7",
                "ldrd r9, r10, [sp, #44]",
                "ldr r8, [sp, #52]",
                "smmla r7, r7, r11, r9",
                "asr r7, r7, r12",
                concat!("usat r7, ", $saturate, ", r7"),
                $($merge_one,)*
                "strb r7, [lr]",
                "add lr, lr, r10",
                "cmp r0, r8",
                "bne 2b",
                "pop {{r4-r11, pc}}",
            )
        }
    };
}

macro_rules! narrow {
    ($pairs:ident, $singles:ident, $saturate:literal) => {
        convolve!(
            $pairs,
            $singles,
            $saturate,
            [
                "ldr r9, [sp, #56]",
                "lsl r7, r7, r9",
                "lsl r8, r8, r9",
                "ldrb r9, [lr]",
                "orr r7, r7, r9",
                "ldrb r9, [lr, r10]",
                "orr r8, r8, r9"
            ],
            ["ldr r9, [sp, #56]", "lsl r7, r7, r9", "ldrb r9, [lr]", "orr r7, r7, r9"]
        );
    };
}

convolve!(pairs8, singles8, "#8", [], []);
narrow!(pairs4, singles4, "#4");
narrow!(pairs2, singles2, "#2");
