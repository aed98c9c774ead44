//! The loops that compute a row of outputs of one channel.

use core::mem::offset_of;

use super::SLOT_BYTES;
use super::channel::Channel;

/// A loop over the outputs of a row, called by [`run`](super::rows::run): `r0` the channel's row in slot 0,
/// `r1` its [`Channel`], `r2` the entry of [`Channel::weights`] for slot 0, `r3` where the codes go. Keeps no
/// register but `sp`.
pub(super) type Convolve = unsafe extern "C" fn();

/// The loop for codes of `bits` bits. Where a byte holds several codes, the loop shifts the byte to the left
/// and puts the code below. The channels are computed from the last to the first: after the first one, old
/// bits are shifted out of the byte.
pub(super) const fn convolve(bits: usize) -> Convolve {
    match bits {
        2 => insert2,
        4 => insert4,
        _ => store8,
    }
}

// The loop loads the fields before the weights in this order, by one instruction, and then the weights.
const _: () = assert!(
    offset_of!(Channel, biases) == 0
        && offset_of!(Channel, zero_point) == 8
        && offset_of!(Channel, step) == 12
        && offset_of!(Channel, singles) == 16
        && offset_of!(Channel, multiplier) == 20
        && offset_of!(Channel, pairs) == 24
        && offset_of!(Channel, weights) == 28
);

// `$insert` and `$insert_next` put the codes of an output and of the next one into their bytes.
macro_rules! convolve {
    ($name:ident, $saturate:literal, [$($insert:literal),*], [$($insert_next:literal),*]) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            naked_asm!(
                // The stack holds `biases`, `zero_point`, `step`, `singles` and the return address.
                "ldm r1!, {{r4-r8, r11, r12}}",
                "push {{r4-r8, lr}}",
                "mov lr, r3",
                "add r1, r1, r2, lsl #3",
                "ldm r1, {{r1-r6}}",
                "cmp r12, #0",
                "blt 3f",
                "2:",
                "ldrd r7, r8, [sp]",
                "ldrd r9, r10, [r0, #{slot}]",
                "smlad r7, r9, r3, r7",
                "smlatb r8, r9, r3, r8",
                "smlabt r7, r10, r4, r7",
                "smlad r8, r10, r4, r8",
                "ldrd r9, r10, [r0, #2 * {slot}]",
                "smlad r7, r9, r5, r7",
                "smlatb r8, r9, r5, r8",
                "smlabt r7, r10, r6, r7",
                "smlad r8, r10, r6, r8",
                "ldrd r9, r10, [r0], #4",
                "smlad r7, r9, r1, r7",
                "smlatb r8, r9, r1, r8",
                "smlabt r7, r10, r2, r7",
                "smlad r8, r10, r2, r8",
                "ldrd r9, r10, [sp, #8]",
                "smmla r7, r7, r11, r9",
                "smmla r8, r8, r11, r9",
                "asr r7, r7, r12",
                "asr r8, r8, r12",
                concat!("usat r7, ", $saturate, ", r7"),
                concat!("usat r8, ", $saturate, ", r8"),
                $($insert,)*
                $($insert_next,)*
                "strb r7, [lr]",
                "strb r8, [lr, r10]",
                "add lr, lr, r10, lsl #1",
                // The count is above the lowest byte of r12. The lowest byte is the shift: `asr` takes only
                // that.
                "subs r12, r12, #0x100",
                "bge 2b",
                "3:",
                "ldr r12, [sp, #16]",
                "cmp r12, #0",
                "blt 5f",
                "4:",
                "ldrd r8, r9, [sp, #4]",
                "ldrd r7, r10, [r0, #{slot}]",
                "smlad r8, r7, r3, r8",
                "smlabt r8, r10, r4, r8",
                "ldrd r7, r10, [r0, #2 * {slot}]",
                "smlad r8, r7, r5, r8",
                "smlabt r8, r10, r6, r8",
                "ldrd r7, r10, [r0], #4",
                "smlad r8, r7, r1, r8",
                "smlabt r8, r10, r2, r8",
                "smmla r7, r8, r11, r9",
                "ldr r10, [sp, #12]",
                "asr r7, r7, r12",
                concat!("usat r7, ", $saturate, ", r7"),
                $($insert,)*
                "strb r7, [lr]",
                "add lr, lr, r10",
                "subs r12, r12, #0x100",
                "bge 4b",
                "5:",
                "add sp, sp, #20",
                "pop {{pc}}",
                slot = const SLOT_BYTES,
            )
        }
    };
}

convolve!(store8, "#8", [], []);
convolve!(
    insert4,
    "#4",
    ["ldrb r9, [lr]", "orr r7, r7, r9, lsl #4"],
    ["ldrb r9, [lr, r10]", "orr r8, r8, r9, lsl #4"]
);
convolve!(
    insert2,
    "#2",
    ["ldrb r9, [lr]", "orr r7, r7, r9, lsl #2"],
    ["ldrb r9, [lr, r10]", "orr r8, r8, r9, lsl #2"]
);
