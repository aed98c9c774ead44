//! Executes the networks of the folder `MIXQ_BENCH_NETWORKS` and counts the instructions of each layer:
//! prints a line `<network> <spare bytes> <instructions> ...`. An answer that is not that of the portable
//! kernels ends it.
#![no_std]
#![no_main]

#[path = "../counter.rs"]
mod counter;
#[path = "../networks.rs"]
mod networks;
#[path = "../panic.rs"]
mod panic;
#[path = "../start.rs"]
mod start;

use core::hint::black_box;

use semihosting::{print, println, process};

/// Called once the machine is ready.
fn main() -> ! {
    counter::check();
    let memory = networks::arena();
    for (name, spare, network) in networks::ALL {
        let arena = &mut memory[..network.arena_bytes];
        arena[network.input_offset..][..network.input.len()].copy_from_slice(network.input);
        let parameters = black_box(network.parameters);
        print!("{name} {spare}");
        if network.slides {
            // The window before the one that counts.
            network.layers.iter().flatten().for_each(|layer| layer(parameters, arena));
        }
        for layer in network.layers {
            let count = |layer: &networks::Execute| counter::count(&mut || layer(parameters, arena));
            print!(" {}", layer.as_ref().map_or(0, count));
        }
        println!();
        let found = &arena[network.output_offset..][..network.expected.len()];
        assert!(found == network.expected, "{name} {spare} answers wrongly");
    }
    process::exit(0)
}
