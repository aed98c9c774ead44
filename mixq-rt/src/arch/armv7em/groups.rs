//! Whole groups of pixels, one after the other: what they see is widened, then multiplied.

use core::arch::naked_asm;

use super::PIXELS;
use super::frame::Frame;
use super::widen::Run;

/// What the loop is given beside a [`Frame`]: it takes it into registers.
#[repr(C)]
pub(super) struct Groups {
    /// What the first pixel sees.
    pub(super) from: *const u8,
    pub(super) patch: *mut u32,
    /// As [`Fill`](super::Fill) has it.
    pub(super) size: usize,
    /// Bytes from what a pixel sees to what the next one does.
    pub(super) pitch: usize,
    pub(super) fill: Run,
    pub(super) multiply: unsafe extern "C" fn(*const Frame),
    /// Of the codes, by pixel.
    pub(super) sums: *mut i32,
    /// At least one.
    pub(super) count: usize,
}

// In an instruction of the loop.
const _: () = assert!(PIXELS == 4);
#[cfg(target_pointer_width = "32")]
const _: () = assert!(core::mem::offset_of!(Frame, out) == 48 && core::mem::offset_of!(Frame, pitch) == 52);

impl Groups {
    /// Fills the patch and multiplies it, for all groups.
    ///
    /// # Safety
    /// What `fill` and `multiply` need is there for each group, those of the output at the frame's pitch.
    #[inline(always)]
    pub(super) unsafe fn run(&self, frame: &mut Frame) {
        // SAFETY: the caller's.
        unsafe { groups(self, frame) }
    }
}

#[unsafe(naked)]
unsafe extern "C" fn groups(groups: *const Groups, frame: *mut Frame) {
    naked_asm!(
        "push {{r1, r4-r11, lr}}",
        "sub sp, sp, #8",
        "ldm r0, {{r4-r11}}",
        "2:",
        // Arguments on the stack: pixels, and their sums.
        "mov r0, #4",
        "strd r0, r10, [sp]",
        "mov r0, #0",
        "mov r1, #0",
        "strd r0, r1, [r10]",
        "strd r0, r1, [r10, #8]",
        "mov r0, r4",
        "mov r1, r5",
        "mov r2, r6",
        "mov r3, r7",
        "blx r8",
        "ldr r0, [sp, #8]",
        "blx r9",
        "ldr r0, [sp, #8]",
        "ldrd r1, r2, [r0, #48]",
        "add r4, r4, r7, lsl #2",
        "add r1, r1, r2, lsl #2",
        "str r1, [r0, #48]",
        "subs r11, r11, #1",
        "bne 2b",
        "add sp, sp, #12",
        "pop {{r4-r11, pc}}",
    )
}
