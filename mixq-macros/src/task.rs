//! What a module offers by the task of its network.

use mixq_format::{Header, Task};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::{answers, dense, inputs, outputs};

/// What the outputs are and how good they are, as the documentation of the module says it.
pub fn summary(header: &Header) -> String {
    let outputs = header.output.channels;
    let (score, images) = (header.accuracy.integer, header.accuracy.test_images);
    let percent = 100.0 * score;
    let plural = if outputs == 1 { "" } else { "s" };
    let what = match header.task {
        Task::Classification | Task::Dense => "class",
        Task::MultiLabel => "label",
        Task::Regression | Task::Reconstruction => "value",
    };
    if images == 0 || header.accuracy.agreement {
        let several = if outputs == 1 {
            ""
        } else if what == "class" {
            "es"
        } else {
            "s"
        };
        let measured = match images {
            0 => "not measured".to_string(),
            _ => format!("score {score:.4} by the answers of the float network for {images} images"),
        };
        return format!("{outputs} {what}{several}, {measured}");
    }
    match header.task {
        Task::Classification => {
            format!("{outputs} classes, right on {percent:.2} % of {images} test images")
        }
        Task::MultiLabel => {
            format!(
                "{outputs} label{plural}, with a mean average precision of {percent:.2} % on {images} test \
                 images"
            )
        }
        Task::Regression => {
            format!("{outputs} value{plural}, with R^2 {score:.4} on {images} test images")
        }
        Task::Dense => {
            let (height, width) = (header.output.height, header.output.width);
            format!(
                "{height}x{width} pixels of {outputs} classes, with a mean IoU of {percent:.2} % on {images} \
                 test images"
            )
        }
        Task::Reconstruction => {
            format!("an image again, which explains {percent:.2} % of the variance of {images} test images")
        }
    }
}

/// The constant that holds the number of outputs.
pub fn outputs(header: &Header) -> TokenStream {
    match header.task {
        Task::Classification | Task::MultiLabel => quote!(CLASSES),
        Task::Regression | Task::Reconstruction | Task::Dense => quote!(OUTPUTS),
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
        Task::MultiLabel => {
            let thresholds =
                header.readout.thresholds.iter().map(|threshold| Literal::i32_unsuffixed(*threshold as i32));
            quote! {
                /// Labels: as many as logits.
                pub const CLASSES: usize = #count;
                /// What the labels mean, in the order of the logits.
                pub const LABELS: [&str; CLASSES] = [#(#labels),*];
                /// The logit that each label must exceed: the best F1 on the validation images.
                pub const THRESHOLDS: [i32; CLASSES] = [#(#thresholds),*];

                /// Whether an image has a label, by its logits: whether that of the label exceeds its
                /// threshold.
                ///
                /// # Panics
                /// If there is no such label.
                pub const fn is_set(logits: &[i32; CLASSES], label: usize) -> bool {
                    logits[label] > THRESHOLDS[label]
                }
            }
        }
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
        Task::Reconstruction => reconstruction(header),
        Task::Dense => dense::constants(header),
    }
}

/// Constants of a network that makes its image again.
fn reconstruction(header: &Header) -> TokenStream {
    let count = Literal::usize_unsuffixed(header.output.elements());
    // A file without them is refused when it is read.
    let scale = header.readout.units.first().map_or(1.0, |unit| unit.scale);
    let scale = Literal::f64_unsuffixed(scale);
    let threshold = header.readout.thresholds.first().map_or(0, |threshold| threshold.unsigned_abs());
    let threshold = Literal::u64_unsuffixed(threshold);
    let error = header.readout.error.map(|error| {
        let (multiplier, shift) =
            (Literal::u32_unsuffixed(error.multiplier), Literal::u32_unsuffixed(error.shift));
        let zero_point = Literal::u8_unsuffixed(error.zero_point);
        let beside = Literal::i32_unsuffixed(error.beside);
        quote! {
            format::ErrorScore {
                multiplier: #multiplier, shift: #shift, zero_point: #zero_point, beside: #beside,
            }
        }
    });
    quote! {
        /// Elements that the network makes: those of the image.
        pub const OUTPUTS: usize = #count;
        /// What one unit of a score is worth: the mean squared error of an image whose pixels have the
        /// variance 1.
        pub const SCORE_SCALE: f64 = #scale;
        /// The score above which an image is abnormal: 99 of 100 validation images do not exceed it.
        pub const THRESHOLD: u64 = #threshold;

        const ERROR: format::ErrorScore = #error;
    }
}

/// Methods of `Network` beside `infer` and `run`.
pub fn methods(header: &Header) -> TokenStream {
    let answers = answers::of_image(header);
    let (parameter, image) = (inputs::parameter(header), inputs::argument(header));
    let others = match header.task {
        Task::Classification | Task::MultiLabel | Task::Regression => TokenStream::new(),
        Task::Dense => dense::methods(header),
        Task::Reconstruction => {
            let score = if outputs::are_codes(header) {
                quote!(ERROR.of_codes(self.infer(#image), OUTPUT_ZERO_POINT, #image))
            } else {
                quote!(ERROR.of(self.infer(#image), #image))
            };
            quote! {
                /// How far an image is from what the network makes of it: the larger, the less it is like the
                /// images to train with. `SCORE_SCALE` says what a unit is worth.
                pub fn score(&mut self, #parameter) -> u64 {
                    #score
                }

                /// Whether the score of an image exceeds `THRESHOLD`.
                pub fn is_abnormal(&mut self, #parameter) -> bool {
                    self.score(#image) > THRESHOLD
                }
            }
        }
    };
    quote! {
        #(#answers)*

        #others
    }
}

/// Methods of `Frame` beside `finish`, which end it, too.
pub fn frame(header: &Header) -> TokenStream {
    let answers = answers::of_frame(header);
    let others = if header.task == Task::Dense { dense::frame(header) } else { TokenStream::new() };
    quote! {
        #(#answers)*

        #others
    }
}
