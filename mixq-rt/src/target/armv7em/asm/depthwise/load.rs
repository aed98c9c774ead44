//! Unpacks the codes of two neighbouring channels in a row of the input, to 16 bits an element.

use super::ROW_BYTES;
use super::rows::Rows;

/// A loop over pixels, called by [`run`](super::rows::run): `r0` the pixels, `r1` where the first channel's
/// elements go (the second channel's elements go `ROW_BYTES` further), `r2` bytes of a pixel, `r3` the number
/// of pixels times 256, plus the bits below the first channel's code in its byte, `r8` the mask of a code in
/// both halves. Keeps `r9` to `r11`.
pub(super) type Load = unsafe extern "C" fn();

/// The loops for one width of codes.
#[derive(Clone, Copy)]
pub(super) struct Loads {
    /// For a pair of channels.
    pub(super) pair: Load,
    /// For a channel alone.
    pub(super) single: Load,
    /// Whether the number of channels may be odd.
    pub(super) odd: bool,
    /// Bits of a code.
    pub(super) bits: usize,
}

/// The loops for `bits`-bit input of an even or an `odd` number of channels.
pub(super) const fn loads(bits: usize, odd: bool) -> Loads {
    let (pair, single): (Load, Load) = match bits {
        // For a last channel alone, `nibbles` reads one byte of a pixel, `bytes` would read two. It writes
        // wrong codes for a second channel, which nothing reads.
        8 if odd => (bytes, nibbles),
        8 => (bytes, bytes),
        4 => (nibbles, nibbles),
        _ => (crumbs, crumbs),
    };
    Loads { pair, single, odd, bits }
}

/// The loops for `bits`-bit input, if both filters of a pair may see the same channel: then the pair is
/// loaded as a single channel, which becomes two.
pub(super) const fn loads_of_filters(bits: usize) -> Loads {
    Loads { single: twice, odd: true, ..loads(bits, false) }
}

// `$load` loads a byte or two of a pixel. `$two` unpacks r4 and r6, with two pixels each, to r4 and r6 for
// the first channel and r5 and r7 for the second one; `$one` unpacks one pixel from r4 to r4 and r5.
macro_rules! load {
    ($name:ident, $load:literal, [$($two:literal),*], [$($one:literal),*]) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            naked_asm!(
                "add r12, r2, r2, lsl #1",
                "subs r3, r3, #0x400",
                "blt 3f",
                "2:",
                concat!($load, " r4, [r0]"),
                concat!($load, " r5, [r0, r2]"),
                concat!($load, " r6, [r0, r2, lsl #1]"),
                concat!($load, " r7, [r0, r12]"),
                "add r0, r0, r2, lsl #2",
                "orr r4, r4, r5, lsl #16",
                "orr r6, r6, r7, lsl #16",
                $($two,)*
                // Unaligned if an odd number of elements of padding comes before.
                "str r5, [r1, #{row}]",
                "str r7, [r1, #{row} + 4]",
                "str r6, [r1, #4]",
                "str r4, [r1], #8",
                "subs r3, r3, #0x400",
                "bge 2b",
                "3:",
                "adds r3, r3, #0x300",
                "blt 5f",
                "4:",
                concat!($load, " r4, [r0]"),
                "add r0, r0, r2",
                $($one,)*
                "strh r5, [r1, #{row}]",
                "strh r4, [r1], #2",
                "subs r3, r3, #0x100",
                "bge 4b",
                "5:",
                "bx lr",
                row = const ROW_BYTES,
            )
        }
    };
}

load!(
    bytes,
    "ldrh",
    ["uxtb16 r5, r4, ror #8", "uxtb16 r7, r6, ror #8", "uxtb16 r4, r4", "uxtb16 r6, r6"],
    ["lsr r5, r4, #8", "uxtb r4, r4"]
);
load!(
    nibbles,
    "ldrb",
    ["and r5, r8, r4, lsr #4", "and r7, r8, r6, lsr #4", "and r4, r4, r8", "and r6, r6, r8"],
    ["and r5, r8, r4, lsr #4", "and r4, r4, r8"]
);
// The lowest byte of r3 is the bits below the first channel's code: a shift by r3 takes only that byte.
load!(
    crumbs,
    "ldrb",
    [
        "lsr r4, r4, r3",
        "lsr r6, r6, r3",
        "and r5, r8, r4, lsr #2",
        "and r7, r8, r6, lsr #2",
        "and r4, r4, r8",
        "and r6, r6, r8"
    ],
    ["lsr r4, r4, r3", "and r5, r8, r4, lsr #2", "and r4, r4, r8"]
);
// For two filters that see the same channel.
load!(
    twice,
    "ldrb",
    ["lsr r4, r4, r3", "lsr r6, r6, r3", "and r4, r4, r8", "and r6, r6, r8", "mov r5, r4", "mov r7, r6"],
    ["lsr r4, r4, r3", "and r4, r4, r8", "mov r5, r4"]
);

/// Writes the same word to all words of the rows. In assembly, because the compiler's code is ten times as
/// long.
///
/// # Safety
/// `rows` may be written.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn fill(rows: *mut Rows, word: u32) {
    naked_asm!(
        "mov r2, #{bytes}",
        "2:",
        "subs r2, r2, #4",
        "str r1, [r0, r2]",
        "bne 2b",
        "bx lr",
        bytes = const size_of::<Rows>(),
    )
}
