//! Stores the sums over the elements of a chunk, or adds them to stored sums.

use super::super::frame::{again, frame_asm, next};

// Divides the upper channel's sums by the factor 2^8, 2^4 or 1 that the loop leaves in them.
macro_rules! units {
    (8) => {
        "asr r4, r4, #8\nasr r5, r5, #8\nasr r6, r6, #8\nasr r7, r7, #8"
    };
    (4) => {
        "asr r4, r4, #4\nasr r5, r5, #4\nasr r6, r6, #4\nasr r7, r7, #4"
    };
    (0) => {
        ""
    };
}

macro_rules! store {
    ($name:ident, $bits:tt) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            frame_asm!(
                units!($bits),
                "ldr r8, [sp, #Frame.accumulators]",
                "stm r8!, {{r0-r7}}",
                "str r8, [sp, #Frame.accumulators]",
                next!(),
                again = sym again,
            )
        }
    };
}

store!(store_of_bytes, 8);
store!(store_of_nibbles, 4);
store!(store_of_units, 0);

// Adds the stored sums of the earlier chunks.
macro_rules! add {
    () => {
        "
    ldr r12, [sp, #Frame.accumulators]
    ldm r12!, {{r8-r11}}
    add r0, r0, r8
    add r1, r1, r9
    add r2, r2, r10
    add r3, r3, r11
    ldm r12!, {{r8-r11}}
    add r4, r4, r8
    add r5, r5, r9
    add r6, r6, r10
    add r7, r7, r11
    str r12, [sp, #Frame.accumulators]
"
    };
}

macro_rules! add_to {
    ($store:ident, $finish:ident, $bits:tt) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $store() {
            frame_asm!(units!($bits), add!(), "stmdb r12, {{r0-r7}}", next!(), again = sym again,)
        }

        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $finish() {
            frame_asm!(units!($bits), add!(), "ldr pc, [sp, #Frame.added]",)
        }
    };
}

add_to!(add_and_store_of_bytes, add_and_finish_of_bytes, 8);
add_to!(add_and_store_of_nibbles, add_and_finish_of_nibbles, 4);
add_to!(add_and_store_of_units, add_and_finish_of_units, 0);
