//! Estimated cycles of the layers that the firmware `networks` executes.

use std::collections::HashSet;
use std::io::BufReader;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::process::Stdio;

use mixq_elf::Elf;
use mixq_tests::measure::{self, Processor};

use crate::log;

/// Cycles of all layers, in the order of their execution.
pub fn of_layers(processor: Processor, elf: &Path) -> Vec<u64> {
    let symbols = Elf::read(elf).expect("the firmware can be read");
    let layers: HashSet<u64> = symbols.layers().into_iter().map(|range| range.start).collect();
    let counter: Vec<Range<u64>> = symbols.functions_with("::counter::");
    let mut qemu = measure::emulator(processor, elf);
    qemu.args(["-d", "in_asm,exec,nochain", "-D", "/dev/stderr"]);
    qemu.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = qemu.spawn().expect("the emulator starts");
    let text = BufReader::with_capacity(1 << 20, child.stderr.take().expect("the log is piped"));
    let (mut found, mut inside) = (Vec::new(), false);
    log::read(text, |block, cycles| {
        if layers.contains(&block.start) {
            // The branch here is the caller's.
            found.push(cycles - 2);
            inside = true;
        } else if inside && counter.iter().any(|range| range.contains(&block.start)) {
            inside = false;
        } else if inside {
            *found.last_mut().expect("a layer has begun") += cycles;
        }
        ControlFlow::Continue(())
    })
    .expect("the log can be read");
    child.wait().expect("the emulator ends");
    found
}
