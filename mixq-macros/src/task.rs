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
    }
}

/// The constant that holds the number of outputs.
pub fn outputs(header: &Header) -> TokenStream {
    match header.task {
        Task::Classification => quote!(CLASSES),
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
    }
}
