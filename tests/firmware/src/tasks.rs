//! Prints what each network answers by the methods of its task, a line for each image:
//! `boxes: 12,-7 1085.25,3.5`.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use semihosting::{print, println, process};

include!(concat!(env!("MIXQ_MODELS"), "/inputs.rs"));

macro_rules! tasks {
    ($($task:ident $model:ident)*) => {
        #[entry]
        #[allow(non_upper_case_globals)]
        fn main() -> ! {
            $(static mut $model: models::$model::Network = models::$model::Network::new();)*
            $({
                let images = include_bytes!(concat!(env!("MIXQ_MODELS"), "/", stringify!($model), ".images"));
                for image in images.as_chunks().0 {
                    let image = inputs!($model image);
                    print!("{}: ", stringify!($model));
                    answer!($task $model image);
                    println!();
                }
            })*
            process::exit(0)
        }
    };
}

macro_rules! answer {
    (classification $model:ident $image:ident) => {
        print!("{} ", $model.classify($image));
        list(&$model.top::<2>($image));
        print!(" ");
        list(&$model.probabilities($image));
    };
    (multi_label $model:ident $image:ident) => {
        list(&$model.labels($image).map(u8::from));
        print!(" ");
        list(&$model.probabilities($image));
    };
    (reconstruction $model:ident $image:ident) => {
        print!("{} {}", $model.score($image), u8::from($model.is_abnormal($image)));
    };
    // The class of each pixel; class, cells and centre of each object.
    (dense $model:ident $image:ident) => {
        list($model.mask($image));
        for object in $model.objects($image) {
            print!(" {},{},{},{}", object.class, object.cells, object.y, object.x);
        }
    };
    // Integers, and the bits of the values that they stand for.
    (regression $model:ident $image:ident) => {
        list(&$model.values($image)[..]);
        print!(" ");
        list(&$model.real_values($image).map(f32::to_bits));
    };
}

/// `12,-7,30`.
fn list<T: core::fmt::Display>(values: &[T]) {
    for (index, value) in values.iter().enumerate() {
        print!("{}{value}", if index == 0 { "" } else { "," });
    }
}

include!(concat!(env!("MIXQ_MODELS"), "/tasks.rs"));
