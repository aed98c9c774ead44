//! Prints the logits of every image by every network, `x8w4: 12,-7,30`, and the bytes of stack that the last
//! of them took, `stack x8w4: 400`.
#![no_std]
#![no_main]

mod logits;
mod stack;

use cortex_m_rt::entry;
use semihosting::{println, process};

// What each network reads, and how its outputs are printed.
include!(concat!(env!("MIXQ_MODELS"), "/inputs.rs"));
include!(concat!(env!("MIXQ_MODELS"), "/outputs.rs"));

macro_rules! models {
    ($($model:ident)*) => {
        #[entry]
        // Each static becomes an argument of the real main function.
        #[allow(non_upper_case_globals, clippy::too_many_arguments)]
        fn main() -> ! {
            $(static mut $model: models::$model::Network = models::$model::Network::new();)*
            $({
                let images = include_bytes!(concat!(env!("MIXQ_MODELS"), "/", stringify!($model), ".images"));
                let mut used = 0;
                for image in images.as_chunks().0 {
                    let infer = |network: &mut models::$model::Network| {
                        network.infer(inputs!($model image));
                    };
                    used = stack::used(infer, $model);
                    // The logits are where the measured call left them.
                    print_outputs!($model $model image);
                }
                println!("stack {}: {used}", stringify!($model));
            })*
            process::exit(0)
        }
    };
}

include!(concat!(env!("MIXQ_MODELS"), "/models.rs"));
