//! Prints the logits of every image by every network, which take turns in one arena: the first image by all
//! of them, then the second, and so on.
#![no_std]
#![no_main]

mod logits;

use cortex_m_rt::entry;
use semihosting::process;

macro_rules! models {
    ($first:ident $($other:ident)*) => {
        #[entry]
        fn main() -> ! {
            static mut ARENA: models::$first::Arena = models::$first::Arena::new();
            for turn in 0.. {
                // Shorter lists of images end with the shortest.
                run!(turn, ARENA, $first);
                $(run!(turn, ARENA, $other);)*
            }
            process::exit(0)
        }
    };
}

macro_rules! run {
    ($turn:ident, $arena:ident, $model:ident) => {
        let images = include_bytes!(concat!(env!("MIXQ_MODELS"), "/", stringify!($model), ".images"));
        let Some(image) = images.as_chunks().0.get($turn) else { break };
        logits::print(stringify!($model), models::$model::Network::new($arena).infer(image));
    };
}

include!(concat!(env!("MIXQ_MODELS"), "/models.rs"));
