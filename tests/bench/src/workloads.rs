//! What build.rs wrote.

use mixq_rt::format::Bits::*;
use mixq_rt::format::Rule::*;
use mixq_rt::format::*;

/// Kernels of one or several layers, with data.
pub struct Workload {
    pub name: &'static str,
    pub macs: u64,
    /// All layers, over parameters and arena.
    pub run: fn(&[u8], &mut [u8]),
    pub parameters: &'static [u8],
    pub input: &'static [u8],
    /// Bytes from the start of the arena.
    pub input_offset: usize,
    pub expected: &'static [u8],
    pub output_offset: usize,
    /// Bytes of the arena that a layer works in, at most.
    pub scratch: usize,
}

#[repr(align(4))]
struct Aligned<T: ?Sized>(T);

macro_rules! file {
    ($name:ident, $kind:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", stringify!($name), $kind))
    };
}

macro_rules! workload {
    ($name:ident $macs:literal $arena:literal $input:literal $output:literal $scratch:literal $run:item) => {
        pub mod $name {
            use super::*;

            pub const ARENA: usize = $arena;
            pub static WORKLOAD: Workload = Workload {
                name: stringify!($name),
                macs: $macs,
                run,
                parameters: {
                    static PARAMETERS: &Aligned<[u8]> =
                        &Aligned(*file!($name, ".parameters"));
                    &PARAMETERS.0
                },
                input: file!($name, ".input"),
                input_offset: $input,
                expected: file!($name, ".expected"),
                output_offset: $output,
                scratch: $scratch,
            };

            #[allow(unused_variables)]
            $run
        }
    };
}

#[allow(non_snake_case)]
mod written {
    use super::*;
    include!(concat!(env!("OUT_DIR"), "/workloads.rs"));
}
pub use written::ALL;
use written::ARENAS;

const BYTES: usize = {
    let sizes = ARENAS;
    let (mut largest, mut index) = (0, 0);
    while index < sizes.len() {
        if sizes[index] > largest {
            largest = sizes[index];
        }
        index += 1;
    }
    largest
};

/// The memory of the activations; to be asked for once.
pub fn arena() -> &'static mut [u8] {
    static mut ARENA: Aligned<[u8; BYTES]> = Aligned([0; BYTES]);
    // SAFETY: called once, by the only thread.
    unsafe {
        let arena = &raw mut ARENA;
        &mut (*arena).0
    }
}
