//! What a module offers by the task of its network.

use mixq_format::{Header, Task};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// What the outputs are and how good they are, as the documentation of the module says it.
pub fn summary(header: &Header) -> String {
    let outputs = header.output.channels;
    let (percent, images) = (100.0 * header.accuracy.integer, header.accuracy.test_images);
    match header.task {
        Task::Classification => {
            format!("{outputs} classes, right on {percent:.2} % of {images} test images")
        }
        Task::Regression => {
            let r2 = header.accuracy.integer;
            let plural = if outputs == 1 { "" } else { "s" };
            format!("{outputs} value{plural}, with R^2 {r2:.4} on {images} test images")
        }
    }
}

/// The constant that holds the number of outputs.
pub fn outputs(header: &Header) -> TokenStream {
    match header.task {
        Task::Classification => quote!(CLASSES),
        Task::Regression => quote!(OUTPUTS),
    }
}

/// Constants about the outputs.
pub fn constants(header: &Header) -> TokenStream {
    let count = Literal::usize_unsuffixed(header.output.channels.into());
    let labels = &header.labels;
    match header.task {
        Task::Classification => quote! {
            /// Classes: as many as logits.
            pub const CLASSES: usize = #count;
            /// What the classes mean, in the order of the logits.
            pub const LABELS: [&str; CLASSES] = [#(#labels),*];
        },
        Task::Regression => {
            let scales = header.readout.units.iter().map(|unit| Literal::f64_unsuffixed(unit.scale));
            let offsets = header.readout.units.iter().map(|unit| Literal::f64_unsuffixed(unit.offset));
            quote! {
                /// Values that the network predicts.
                pub const OUTPUTS: usize = #count;
                /// What the values are called, in their order.
                pub const LABELS: [&str; OUTPUTS] = [#(#labels),*];
                /// What one unit of each integer is worth: a value is `OUTPUT_SCALE * integer +
                /// OUTPUT_OFFSET`, in the unit of the training targets.
                pub const OUTPUT_SCALE: [f64; OUTPUTS] = [#(#scales),*];
                /// The value for which each integer is 0.
                pub const OUTPUT_OFFSET: [f64; OUTPUTS] = [#(#offsets),*];

                /// The integer nearest to a value of an output, within 32 bits: so a constant that integers
                /// are compared with needs no floats on the device.
                ///
                /// `const LIMIT: i32 = to_integer(0, 21.5);`
                ///
                /// # Panics
                /// If there is no such output.
                pub const fn to_integer(output: usize, value: f64) -> i32 {
                    format::nearest((value - OUTPUT_OFFSET[output]) / OUTPUT_SCALE[output])
                }
            }
        }
    }
}

/// Methods of `Network` beside `infer` and `run`.
pub fn methods(header: &Header) -> TokenStream {
    match header.task {
        Task::Classification => quote! {
            /// The index of the class of an image: that of the largest logit, the first of equals.
            pub fn classify(&mut self, image: &[u8; INPUT_BYTES]) -> usize {
                ::mixq_rt::format::argmax(self.infer(image))
            }
        },
        Task::Regression => quote! {
            /// The values of an image as integers: `OUTPUT_SCALE` and `OUTPUT_OFFSET` say what they stand
            /// for, and `to_integer` what to compare them with.
            pub fn values(&mut self, image: &[u8; INPUT_BYTES]) -> &[i32; OUTPUTS] {
                self.infer(image)
            }

            ::mixq_rt::with_float! {
                /// The values of an image, in the unit of the training targets. Feature `float` of `mixq-rt`
                /// offers this: it computes with floats.
                pub fn real_values(&mut self, image: &[u8; INPUT_BYTES]) -> [f32; OUTPUTS] {
                    let integers = self.infer(image);
                    let mut values = [0.0; OUTPUTS];
                    for (index, value) in values.iter_mut().enumerate() {
                        let integer = integers[index] as f32;
                        *value = OUTPUT_SCALE[index] as f32 * integer + OUTPUT_OFFSET[index] as f32;
                    }
                    values
                }
            }
        },
    }
}
