//! What the last layer writes: logits, or codes.

use mixq_format::{Bits, Header};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::task;

/// Whether they are codes of 8 bits.
pub fn are_codes(header: &Header) -> bool {
    header.output.bits == Bits::B8
}

/// The type of an output.
pub fn element(header: &Header) -> TokenStream {
    if are_codes(header) { quote!(u8) } else { quote!(i32) }
}

/// The constant that codes need.
pub fn zero_point(header: &Header) -> TokenStream {
    let zero_point = Literal::u8_unsuffixed(header.output.zero_point);
    let constant = quote! {
        /// The code of an output that stands for 0: a code is worth `LOGIT_SCALE * (code -
        /// OUTPUT_ZERO_POINT)`.
        pub const OUTPUT_ZERO_POINT: u8 = #zero_point;
    };
    if are_codes(header) { constant } else { TokenStream::new() }
}

/// Reads the outputs from the arena.
pub fn read(header: &Header) -> TokenStream {
    let (outputs, offset) = (task::outputs(header), Literal::u32_unsuffixed(header.output.offset));
    if are_codes(header) {
        quote!(self.arena.array::<#outputs>(#offset))
    } else {
        quote!(self.arena.logits::<#outputs>(#offset))
    }
}

/// The method that takes the zero point off codes.
pub fn integers(header: &Header) -> TokenStream {
    let outputs = task::outputs(header);
    let method = quote! {
        /// The outputs of an image as integers that are 0 where the output is: codes without their zero
        /// point. One unit is worth `LOGIT_SCALE`.
        pub fn integers(&mut self, image: &[u8; INPUT_BYTES]) -> [i32; #outputs] {
            self.infer(image).map(|code| i32::from(code) - i32::from(OUTPUT_ZERO_POINT))
        }
    };
    if are_codes(header) { method } else { TokenStream::new() }
}

/// An expression of type `&[i32; N]`: the outputs of `image` without their zero point.
pub fn of_image(header: &Header) -> TokenStream {
    if are_codes(header) { quote!(&self.integers(image)) } else { quote!(self.infer(image)) }
}
