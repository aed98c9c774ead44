//! What the last layer writes: logits, or codes.

use mixq_format::{Bits, Header, Output};
use proc_macro2::{Ident, Literal, Span, TokenStream};
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

/// Reads the outputs from an arena.
pub fn read(header: &Header, arena: &TokenStream) -> TokenStream {
    let (outputs, offset) = (task::outputs(header), Literal::u32_unsuffixed(header.output.offset));
    if are_codes(header) {
        quote!(#arena.array::<#outputs>(#offset))
    } else {
        quote!(#arena.logits::<#outputs>(#offset))
    }
}

/// `Outputs`, with a field for each output of a network that has several, and constants about each.
pub fn named(header: &Header) -> TokenStream {
    if header.outputs.is_empty() {
        return TokenStream::new();
    }
    let fields = header.outputs.iter().map(|output| {
        let (name, ty) = (identifier(output), array(output));
        let tensor = &output.tensor;
        let doc = format!(
            " What the layer `{}` writes: {}x{}x{}, in the order row, column, channel.",
            output.name, tensor.height, tensor.width, tensor.channels
        );
        quote!(#[doc = #doc] pub #name: &'a #ty)
    });
    let modules = header.outputs.iter().map(|output| {
        let (name, tensor) = (identifier(output), &output.tensor);
        let size = |size: u16| Literal::usize_unsuffixed(size.into());
        let (height, width, channels) = (size(tensor.height), size(tensor.width), size(tensor.channels));
        let (scale, zero_point) =
            (Literal::f64_unsuffixed(output.scale), Literal::i32_unsuffixed(tensor.zero_point.into()));
        let doc = format!(" About the output `{}`.", output.name);
        quote! {
            #[doc = #doc]
            pub mod #name {
                /// Rows of pixels.
                pub const HEIGHT: usize = #height;
                /// Pixels in a row.
                pub const WIDTH: usize = #width;
                /// Elements of a pixel.
                pub const CHANNELS: usize = #channels;
                /// What one unit is worth on the scale of the float network: an element is worth `SCALE *
                /// (element - ZERO_POINT)`.
                pub const SCALE: f64 = #scale;
                /// The element that stands for 0.
                pub const ZERO_POINT: i32 = #zero_point;
            }
        }
    });
    quote! {
        /// All outputs of the network: logits are `i32`, codes are `u8`.
        #[derive(Clone, Copy, Debug)]
        pub struct Outputs<'a> {
            #(#fields),*
        }

        /// What elements of the outputs are worth, and how many there are.
        pub mod outputs {
            #(#modules)*
        }
    }
}

/// The method that answers them.
pub fn method(header: &Header) -> TokenStream {
    if header.outputs.is_empty() {
        return TokenStream::new();
    }
    let fields = header.outputs.iter().map(|output| {
        let (name, offset) = (identifier(output), Literal::u32_unsuffixed(output.tensor.offset));
        let count = Literal::usize_unsuffixed(output.tensor.elements());
        match output.tensor.bits {
            Bits::B32 => quote!(#name: self.arena.logits::<#count>(#offset)),
            Bits::B2 | Bits::B4 | Bits::B8 => quote!(#name: self.arena.array::<#count>(#offset)),
        }
    });
    quote! {
        /// All outputs for the image of the last `infer` or `run`; a mask takes the place of its logits.
        pub fn outputs(&self) -> Outputs<'_> {
            Outputs { #(#fields),* }
        }
    }
}

/// The type of an output's elements.
fn array(output: &Output) -> TokenStream {
    let count = Literal::usize_unsuffixed(output.tensor.elements());
    match output.tensor.bits {
        Bits::B32 => quote!([i32; #count]),
        Bits::B2 | Bits::B4 | Bits::B8 => quote!([u8; #count]),
    }
}

/// The name of an output; a keyword as a raw identifier.
fn identifier(output: &Output) -> Ident {
    let name = syn::parse_str::<Ident>(&output.name);
    name.unwrap_or_else(|_| Ident::new_raw(&output.name, Span::call_site()))
}
