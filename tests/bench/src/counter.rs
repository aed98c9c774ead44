//! Counts executed instructions. QEMU's `-icount` makes time pass by instructions alone.

use core::hint::black_box;

/// Instructions that a call takes, without those of counting.
#[inline(never)]
pub fn count(call: &mut dyn FnMut()) -> u64 {
    let empty = between(&mut || {});
    between(call) - empty
}

/// From the call of an opaque function to its return.
#[inline(never)]
fn between(call: &mut dyn FnMut()) -> u64 {
    let call = black_box(call);
    start();
    let from = now();
    call();
    now() - from
}

/// Panics if a loop of known length is counted wrongly, as it is without the right `-icount`.
pub fn check() {
    let two = count(&mut || spin(2000)) - count(&mut || spin(1000));
    assert!(two == 2000, "1000 rounds of 2 instructions are counted as {two}");
}

#[cfg(target_arch = "arm")]
mod machine {
    use core::arch::asm;

    /// Timer 0 of Arm's CMSDK on the MPS2 boards.
    const TIMER: *mut u32 = 0x4000_0000 as *mut u32;

    /// Nanoseconds of a tick of it, in text: 40, or 50 on the board of ARMv8-M.
    const TICK: &str = env!("MIXQ_TICK");

    pub fn start() {
        // SAFETY: the timer's registers: control, value, reload. It counts down, and raises no interrupt.
        unsafe {
            TIMER.write_volatile(0);
            TIMER.add(2).write_volatile(u32::MAX);
            TIMER.add(1).write_volatile(u32::MAX);
            TIMER.write_volatile(1);
        }
    }

    /// Instructions since the start, at `shift=6`: 64 ns each.
    #[inline(always)]
    pub fn now() -> u64 {
        // SAFETY: as above.
        let ticks = u32::MAX - unsafe { TIMER.add(1).read_volatile() };
        let tick = const { if matches!(TICK.as_bytes(), b"50") { 50 } else { 40 } };
        // The part of a tick that has passed is not counted.
        (u64::from(ticks) * tick + tick - 1) / 64
    }

    /// `rounds` times two instructions, and a constant number of others.
    #[inline(never)]
    pub fn spin(rounds: u32) {
        // SAFETY: counts a register down.
        unsafe { asm!("2: subs {0}, {0}, #1", "bne 2b", inout(reg) rounds => _) };
    }
}

#[cfg(target_arch = "riscv32")]
mod machine {
    use core::arch::asm;

    pub fn start() {}

    /// Instructions, at `shift=0`.
    #[inline(always)]
    pub fn now() -> u64 {
        let count: u32;
        // SAFETY: reads a counter; no workload takes 2^32 instructions.
        unsafe { asm!("csrr {}, minstret", out(reg) count) };
        u64::from(count)
    }

    /// `rounds` times two instructions, and a constant number of others.
    #[inline(never)]
    pub fn spin(rounds: u32) {
        // SAFETY: counts a register down.
        unsafe { asm!("2: addi {0}, {0}, -1", "bnez {0}, 2b", inout(reg) rounds => _) };
    }
}

use machine::{now, spin, start};
