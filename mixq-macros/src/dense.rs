//! What a module offers whose network answers a class for each pixel.

use mixq_format::Header;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::inputs;
use crate::outputs::are_codes;

/// Constants about classes and pixels.
pub fn constants(header: &Header) -> TokenStream {
    let usize = |size: usize| Literal::usize_unsuffixed(size);
    let output = &header.output;
    let (count, outputs) = (usize(output.channels.into()), usize(output.elements()));
    let (height, width, pixels) =
        (usize(output.height.into()), usize(output.width.into()), usize(output.pixels()));
    let labels = &header.labels;
    quote! {
        /// Classes: as many as logits of a pixel.
        pub const CLASSES: usize = #count;
        /// What the classes mean, in the order of the logits of a pixel.
        pub const LABELS: [&str; CLASSES] = [#(#labels),*];
        /// Logits, in the order row, column, class.
        pub const OUTPUTS: usize = #outputs;
        /// Rows of pixels of a mask.
        pub const MASK_HEIGHT: usize = #height;
        /// Pixels in a row of a mask.
        pub const MASK_WIDTH: usize = #width;
        /// Pixels of a mask: bytes that it takes.
        pub const MASK_BYTES: usize = #pixels;
    }
}

/// Methods of `Network`.
pub fn methods(header: &Header) -> TokenStream {
    let (offset, codes) = (Literal::u32_unsuffixed(header.output.offset), are_codes(header));
    let bytes = Literal::usize_unsuffixed(header.output.bytes());
    let (parameter, copy, size) = (inputs::parameter(header), inputs::copy(header), inputs::size(header));
    quote! {
        /// The class of each pixel of an image, row after row: that of the largest logit, the first of
        /// equals.
        pub fn mask(&mut self, #parameter) -> &[u8; MASK_BYTES] {
            #copy
            self.classify_pixels()
        }

        /// The same of the image that lies in `input_mut`. The mask takes the place of the logits.
        pub fn classify_pixels(&mut self) -> &[u8; MASK_BYTES] {
            self.write_mask()
        }

        /// The objects in an image: connected pixels of a mask that have one class, but not class 0, with
        /// their classes and their centres in pixels of the image. `count()` counts them.
        pub fn objects(&mut self, #parameter) -> format::Objects<'_> {
            #copy
            let mask = self.write_mask();
            format::Objects::new(mask, [MASK_HEIGHT, MASK_WIDTH], #size)
        }

        fn write_mask(&mut self) -> &mut [u8; MASK_BYTES] {
            self.run();
            format::classify_pixels(self.arena.array_mut::<#bytes>(#offset), CLASSES, #codes);
            self.arena.array_mut::<MASK_BYTES>(#offset)
        }
    }
}
