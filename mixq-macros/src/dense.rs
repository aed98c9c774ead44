//! What a module offers whose network answers a class for each pixel.

use mixq_format::Header;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::outputs::are_codes;
use crate::{frame, inputs};

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
    let (parameter, image, size) =
        (inputs::parameter(header), inputs::argument(header), inputs::size(header));
    let mask = mask(header);
    let in_place = quote! {
        /// The same of the image that lies in `input_mut`. The mask takes the place of the logits.
        pub fn classify_pixels(&mut self) -> &[u8; MASK_BYTES] {
            self.run();
            self.write_mask()
        }
    };
    let in_place = if frame::is_fed(header) { TokenStream::new() } else { in_place };
    quote! {
        /// The class of each pixel of an image, row after row: that of the largest logit, the first of
        /// equals.
        pub fn mask(&mut self, #parameter) -> &[u8; MASK_BYTES] {
            self.infer(#image);
            self.write_mask()
        }

        #in_place

        /// The objects in an image: connected pixels of a mask that have one class, but not class 0, with
        /// their classes and their centres in pixels of the image. `count()` counts them.
        pub fn objects(&mut self, #parameter) -> format::Objects<'_> {
            self.infer(#image);
            let mask = self.write_mask();
            format::Objects::new(mask, [MASK_HEIGHT, MASK_WIDTH], #size)
        }

        fn write_mask(&mut self) -> &mut [u8; MASK_BYTES] {
            let arena = &mut self.arena;
            #mask
        }
    }
}

/// Methods of `Frame`, which end it.
pub fn frame(header: &Header) -> TokenStream {
    let (mask, size) = (mask(header), inputs::size(header));
    quote! {
        /// The class of each pixel of an image, row after row, as `Network::mask` answers it.
        pub fn mask(self) -> ::core::result::Result<&'a [u8; MASK_BYTES], RowsError> {
            ::core::result::Result::Ok(self.write_mask()?)
        }

        /// The objects in an image, as `Network::objects` answers them.
        pub fn objects(self) -> ::core::result::Result<format::Objects<'a>, RowsError> {
            let mask = self.write_mask()?;
            ::core::result::Result::Ok(format::Objects::new(mask, [MASK_HEIGHT, MASK_WIDTH], #size))
        }

        fn write_mask(mut self) -> ::core::result::Result<&'a mut [u8; MASK_BYTES], RowsError> {
            turns().is_fed(self.arena.bytes())?;
            self.execute_rest();
            let arena = self.arena;
            ::core::result::Result::Ok({ #mask })
        }
    }
}

/// Writes the mask of the logits in `arena` in their place, and answers it.
fn mask(header: &Header) -> TokenStream {
    let (offset, codes) = (Literal::u32_unsuffixed(header.output.offset), are_codes(header));
    let bytes = Literal::usize_unsuffixed(header.output.bytes());
    quote! {
        format::classify_pixels(arena.array_mut::<#bytes>(#offset), CLASSES, #codes);
        arena.array_mut::<MASK_BYTES>(#offset)
    }
}
