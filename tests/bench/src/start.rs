//! From reset to `main`.

#[cfg(target_arch = "arm")]
#[cortex_m_rt::entry]
fn start() -> ! {
    crate::main()
}

#[cfg(target_arch = "riscv32")]
core::arch::global_asm!(
    ".section .init, \"ax\"",
    ".global _start",
    "_start:",
    "la sp, _stack_top",
    "la t0, _bss",
    "la t1, _ebss",
    "2: bgeu t0, t1, 3f",
    "sw zero, 0(t0)",
    "addi t0, t0, 4",
    "j 2b",
    "3: j {main}",
    main = sym enter,
);

#[cfg(target_arch = "riscv32")]
extern "C" fn enter() -> ! {
    crate::main()
}
