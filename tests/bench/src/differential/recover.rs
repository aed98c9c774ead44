//! Calls that may panic: the panic handler goes on after the call.

use core::arch::naked_asm;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use semihosting::{println, process};

/// The stack pointer of the call that may panic; null if none may.
static CALLER: AtomicPtr<u32> = AtomicPtr::new(core::ptr::null_mut());

/// What is tried, for the message of a fault.
pub static CASE: AtomicU32 = AtomicU32::new(0);

/// Calls; whether that returned instead of panicking.
pub fn returns<T: FnMut()>(mut call: T) -> bool {
    unsafe extern "C" fn enter<T: FnMut()>(call: *mut u8) {
        // SAFETY: `returns` gives a pointer to its own.
        unsafe { (*call.cast::<T>())() }
    }
    // SAFETY: while the call lasts, `CALLER` is where its registers lie. After a panic the frames above are
    // forgotten; nothing in them has to be dropped.
    let panicked = unsafe { try_call(enter::<T>, (&raw mut call).cast(), CALLER.as_ptr()) };
    CALLER.store(core::ptr::null_mut(), Ordering::Relaxed);
    panicked == 0
}

/// Saves the registers that a function keeps, and where they are; answers 0, or 1 if [`go_on`] came in
/// between.
#[unsafe(naked)]
unsafe extern "C" fn try_call(
    call: unsafe extern "C" fn(*mut u8),
    argument: *mut u8,
    caller: *mut *mut u32,
) -> u32 {
    naked_asm!(
        "push {{r3-r11, lr}}",
        "vpush {{d8-d15}}",
        "str sp, [r2]",
        "mov r3, r0",
        "mov r0, r1",
        "blx r3",
        "movs r0, #0",
        "vpop {{d8-d15}}",
        "pop {{r3-r11, pc}}",
    )
}

/// Goes on where [`try_call`] was called.
#[unsafe(naked)]
unsafe extern "C" fn go_on(caller: *mut u32) -> ! {
    naked_asm!("mov sp, r0", "movs r0, #1", "vpop {{d8-d15}}", "pop {{r3-r11, pc}}")
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let caller = CALLER.load(Ordering::Relaxed);
    if caller.is_null() {
        println!("{info}");
        process::exit(101)
    }
    // SAFETY: `try_call` has not returned yet.
    unsafe { go_on(caller) }
}

/// An access to memory that is not there.
#[cortex_m_rt::exception]
unsafe fn HardFault(frame: &cortex_m_rt::ExceptionFrame) -> ! {
    println!("case {}: a fault at {:#x}", CASE.load(Ordering::Relaxed), frame.pc());
    process::exit(102)
}
