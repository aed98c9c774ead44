//! An estimate of the cycles of a Cortex-M4, from every instruction that was executed.
//!
//! The model, after the table of instructions in Arm's Cortex-M4 Technical Reference Manual, for memory
//! without wait states:
//!
//! | instruction | cycles |
//! | --- | --- |
//! | `LDM`, `STM`, `PUSH`, `POP`, `LDRD`, `STRD` of n registers | 1 + n |
//! | other loads | 2; 1 right after a load or a store, with which it is pipelined |
//! | other stores | 1 |
//! | a branch that is taken (`B`, `BL`, `BX`, loads of `pc`) | 2 more |
//! | divisions | 7 |
//! | all others, `SMLAD` too | 1 |
//!
//! A block of instructions that is left other than by falling through ends in a branch that is taken: QEMU's
//! log tells how often each block was executed, and which one after it.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::process::{ChildStderr, Stdio};

use anyhow::{Context, Result};
use mixq_elf::Elf;

use super::log;
use super::machine::Cpu;

/// Cycles of a workload, its call alone.
///
/// # Errors
/// If the emulator fails, or does not log what is expected of it.
pub fn estimate(cpu: &Cpu, elf: &Path, symbols: &Elf, workload: &str) -> Result<u64> {
    // The firmware calls the workload twice; the second call is counted.
    let entry = symbols.address(&format!("::{workload}::run"))?;
    let counter = symbols.functions("bench::counter::");
    logged(cpu, elf, workload, |log| count(log, entry, &counter))
}

/// Cycles of each call of some functions that the firmware `networks` counts, in their order.
///
/// # Errors
/// If the emulator fails, or does not log what is expected of it.
pub fn of_functions(cpu: &Cpu, elf: &Path, symbols: &Elf, functions: &[Range<u64>]) -> Result<Vec<u64>> {
    let counter = symbols.functions("networks::counter::");
    let entries: HashSet<u64> = functions.iter().map(|range| range.start).collect();
    logged(cpu, elf, "networks", |log| {
        let (mut found, mut inside) = (Vec::new(), false);
        log::read(log, |block, cycles| {
            if entries.contains(&block.start) {
                found.push(cycles.saturating_sub(CALL));
                inside = true;
            } else if inside && counter.iter().any(|range| range.contains(&block.start)) {
                inside = false;
            } else if let (true, Some(last)) = (inside, found.last_mut()) {
                *last += cycles;
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    })
}

/// Runs firmware, and reads the log of what it executes.
fn logged<T>(
    cpu: &Cpu,
    elf: &Path,
    argument: &str,
    read: impl FnOnce(BufReader<ChildStderr>) -> Result<T>,
) -> Result<T> {
    let mut qemu = cpu.emulator(elf, argument);
    qemu.args(["-d", "in_asm,exec,nochain", "-D", "/dev/stderr"]);
    qemu.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = qemu.spawn().context("the emulator does not start")?;
    let log = child.stderr.take().context("the emulator's log is piped")?;
    let answer = read(BufReader::with_capacity(1 << 20, log))?;
    child.wait()?;
    Ok(answer)
}

/// Cycles of the branch by which a function is reached: they are the caller's.
const CALL: u64 = 2;

/// Reads a log from the second call of the function at `entry` to the return into one of the functions that
/// count.
fn count(log: impl BufRead, entry: u64, counter: &[Range<u64>]) -> Result<u64> {
    let (mut calls, mut total, mut found) = (0, 0, None);
    log::read(log, |block, cycles| {
        if block.start == entry {
            calls += 1;
            total = cycles.saturating_sub(CALL);
        } else if calls == 2 && counter.iter().any(|range| range.contains(&block.start)) {
            found = Some(total);
            return ControlFlow::Break(());
        } else if calls > 0 {
            total += cycles;
        }
        ControlFlow::Continue(())
    })?;
    found.context("the log ends before the workload does")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_counted_between_call_and_return() {
        let log = "\
IN: main
0x00000010:  4798      blx      r3
Trace 0: 0xa [00000400/00000010/00000110/ff200000] main
IN: run
0x00000100:  6800      ldr      r0, [r0]
0x00000102:  4770      bx       lr
Trace 0: 0xb [00000400/00000100/00000110/ff200000] run
IN: main
0x00000012:  4798      blx      r3
Trace 0: 0xc [00000400/00000012/00000110/ff200000] main
Trace 0: 0xb [00000400/00000100/00000110/ff200000] run
IN: main
0x00000014:  bf00      nop
Trace 0: 0xd [00000400/00000014/00000110/ff200000] main
";
        let counter = Range { start: 0x10, end: 0x20 };
        assert_eq!(count(log.as_bytes(), 0x100, &[counter]).unwrap(), 3);
        assert!(count("".as_bytes(), 0x100, &[]).is_err());
    }
}
