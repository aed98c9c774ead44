//! Prints the codes and the logits of windows of samples, a line for each: `motion: codes 12,7 logits -3,9`;
//! and the codes of the values that the samples stand for: `motion: values 12,7`.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use semihosting::{print, println, process};

macro_rules! samples {
    ($($model:ident)*) => {
        #[entry]
        #[allow(non_upper_case_globals)]
        fn main() -> ! {
            $(static mut $model: models::$model::Network = models::$model::Network::new();)*
            $({
                use models::$model::{INPUT_BYTES, INPUT_ELEMENTS, quantise_f32, quantise_i16};
                let name = stringify!($model);
                let mut codes = [0; INPUT_BYTES];
                let windows =
                    include_bytes!(concat!(env!("MIXQ_MODELS"), "/", stringify!($model), ".samples"));
                for window in windows.as_chunks::<{ 2 * INPUT_ELEMENTS }>().0 {
                    let mut samples = [0; INPUT_ELEMENTS];
                    for (sample, bytes) in samples.iter_mut().zip(window.as_chunks().0) {
                        *sample = i16::from_le_bytes(*bytes);
                    }
                    quantise_i16(&samples, &mut codes);
                    print!("{name}: codes ");
                    list(&codes);
                    print!(" logits ");
                    list($model.infer_samples(&samples));
                    println!();
                }
                let windows =
                    include_bytes!(concat!(env!("MIXQ_MODELS"), "/", stringify!($model), ".values"));
                for window in windows.as_chunks::<{ 4 * INPUT_ELEMENTS }>().0 {
                    let mut values = [0.0; INPUT_ELEMENTS];
                    for (value, bytes) in values.iter_mut().zip(window.as_chunks().0) {
                        *value = f32::from_le_bytes(*bytes);
                    }
                    quantise_f32(&values, &mut codes);
                    print!("{name}: values ");
                    list(&codes);
                    println!();
                }
            })*
            process::exit(0)
        }
    };
}

/// `12,-7,30`.
fn list<T: core::fmt::Display>(values: &[T]) {
    for (index, value) in values.iter().enumerate() {
        print!("{}{value}", if index == 0 { "" } else { "," });
    }
}

include!(concat!(env!("MIXQ_MODELS"), "/samples.rs"));
