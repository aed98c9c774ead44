//! How much stack a call takes: paints the memory below, calls, and looks how far the paint is gone.

use core::arch::asm;
use core::hint::black_box;

/// Bytes that are painted; no call may take more.
const PAINTED: usize = 8192;
const PAINT: u32 = 0xC0DE_57AC;

/// Bytes of stack that `call` takes, what it calls included.
#[inline(never)]
pub fn used(call: &mut dyn FnMut()) -> usize {
    let call = black_box(call);
    let top: *mut u32;
    // SAFETY: only reads the stack pointer.
    #[cfg(target_arch = "arm")]
    unsafe {
        asm!("mov {}, sp", out(reg) top, options(nomem, nostack, preserves_flags))
    };
    // SAFETY: as above.
    #[cfg(target_arch = "riscv32")]
    unsafe {
        asm!("mv {}, sp", out(reg) top, options(nomem, nostack, preserves_flags))
    };
    let words = PAINTED / 4;
    // SAFETY: free stack below this function's frame, which no interrupt uses, because none is enabled.
    unsafe { (1..=words).for_each(|word| top.sub(word).write_volatile(PAINT)) };
    call();
    // SAFETY: as above.
    let touched = (1..=words).rev().find(|word| unsafe { top.sub(*word).read_volatile() } != PAINT);
    4 * touched.unwrap_or(0)
}
