//! Executes one workload, named by the argument: checks its answer, prints `instructions <n>`, `macs <n>`,
//! `stack <bytes>` and `scratch <bytes>`.
#![no_std]
#![no_main]

mod counter;
mod panic;
mod stack;
mod start;
mod workloads;

use core::hint::black_box;

use semihosting::{println, process};

/// Called once the machine is ready.
fn main() -> ! {
    counter::check();
    let mut name = "";
    let arguments = semihosting::experimental::env::args::<64>();
    let arguments = arguments.expect("the arguments are read");
    for argument in &arguments {
        name = argument.expect("an argument is text");
    }
    for workload in workloads::ALL {
        if workload.name == name {
            measure(workload);
            process::exit(0)
        }
    }
    panic!("there is no workload {name}")
}

fn measure(workload: &workloads::Workload) {
    let arena = workloads::arena();
    arena[workload.input_offset..][..workload.input.len()].copy_from_slice(workload.input);
    let parameters = black_box(workload.parameters);
    let stack = stack::used(&mut || (workload.run)(parameters, arena));
    check(workload, arena);
    arena[workload.input_offset..][..workload.input.len()].copy_from_slice(workload.input);
    let instructions = counter::count(&mut || (workload.run)(parameters, arena));
    check(workload, arena);
    println!("macs {}", workload.macs);
    println!("instructions {instructions}");
    println!("stack {stack}");
    println!("scratch {}", workload.scratch);
}

fn check(workload: &workloads::Workload, arena: &[u8]) {
    let found = &arena[workload.output_offset..][..workload.expected.len()];
    for (index, (found, expected)) in found.iter().zip(workload.expected).enumerate() {
        assert!(found == expected, "{}: byte {index} is {found}, expected {expected}", workload.name);
    }
}
