//! What a module says of what its network reads, and what it offers where that are samples of sensors.

use mixq_format::{Bits, Header, SampleChannel, Tensor};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use crate::{frame, outputs};

/// Constants about the samples of an input, and functions that make codes of them; nothing for pixels. Names
/// begin with `prefix`.
pub fn constants(tensor: &Tensor, channels: &[SampleChannel], prefix: &str) -> TokenStream {
    if channels.is_empty() {
        return TokenStream::new();
    }
    let entries = usize::from(tensor.channels);
    let all = || channels.iter().cycle().take(entries);
    let scales = all().map(|channel| Literal::f64_unsuffixed(channel.scale()));
    let zero_points = all().map(|channel| Literal::i32_unsuffixed(channel.codes.zero_point));
    let units = all().map(|channel| Literal::f64_unsuffixed(channel.unit));
    let length = Literal::usize_unsuffixed(channels.len());
    let Tensor { bits, .. } = *tensor;
    let (elements, width) = (Literal::usize_unsuffixed(tensor.elements()), bits.count() as u32);
    let (width, last) = (Literal::u32_unsuffixed(width), Literal::i32_unsuffixed(bits.max_code()));
    let name = |name: &str| format_ident!("{prefix}{name}");
    let [count, count_bytes, bits_name] = ["ELEMENTS", "BYTES", "BITS"].map(name);
    let [channel_count, scale, zero_point] = ["CHANNELS", "SCALE", "ZERO_POINT"].map(name);
    let scale_doc = format!(
        " What a step of a code of each channel is worth: a value is\n \
         `{prefix}SCALE * (code - {prefix}ZERO_POINT)`, in the unit of the dataset."
    );
    let zero_doc =
        format!(" The code of the value 0 of each channel, if it were not bounded by 0 and {last}.");
    let (make, make_of_values) = (make(bits, prefix), make_of_values(bits, prefix));
    let codes = channels.iter().map(|channel| {
        let (multiplier, shift) =
            (Literal::u16_unsuffixed(channel.codes.multiplier), Literal::u8_unsuffixed(channel.codes.shift));
        let zero_point = Literal::i32_unsuffixed(channel.codes.zero_point);
        quote!(format::SampleCodes { multiplier: #multiplier, shift: #shift, zero_point: #zero_point })
    });
    quote! {
        /// Samples of an input.
        pub const #count: usize = #elements;
        /// Bits of a code.
        pub const #bits_name: u32 = #width;
        #[doc = #scale_doc]
        pub const #scale: [f64; #channel_count] = [#(#scales),*];
        #[doc = #zero_doc]
        pub const #zero_point: [i32; #channel_count] = [#(#zero_points),*];
        /// What a step of a 16-bit sample of each channel is worth, in the unit of the dataset: what
        /// `quantise_i16` takes is `value / SAMPLE_UNIT`.
        pub const SAMPLE_UNIT: [f64; #channel_count] = [#(#units),*];

        /// How samples of each channel become codes, or of all channels.
        const SAMPLES: [format::SampleCodes; #length] = [#(#codes),*];

        /// Makes codes of 16-bit samples, in the order row, column, channel: the same as those that the
        /// network was trained with, bit for bit. It takes integers alone.
        pub fn quantise_i16(samples: &[i16; #count], codes: &mut [u8; #count_bytes]) {
            #make
        }

        ::mixq_rt::with_float! {
            /// Makes codes of values in the unit of the dataset, likewise. Feature `float` of `mixq-rt`
            /// offers this: it computes with floats of 64 bits.
            pub fn quantise_f32(values: &[f32; #count], codes: &mut [u8; #count_bytes]) {
                #make_of_values
            }
        }
    }
}

/// Makes `codes` of `samples`.
fn make(bits: Bits, prefix: &str) -> TokenStream {
    let channels = format_ident!("{prefix}CHANNELS");
    match name(bits) {
        None => quote!(format::encode(&SAMPLES, samples, codes);),
        Some(bits) => {
            quote!(format::encode_narrow(&SAMPLES, #channels, format::Bits::#bits, samples, codes);)
        }
    }
}

/// Makes `codes` of `values`.
fn make_of_values(bits: Bits, prefix: &str) -> TokenStream {
    let (channels, elements) = (format_ident!("{prefix}CHANNELS"), format_ident!("{prefix}ELEMENTS"));
    let sample = quote!(format::sample(values[index], SAMPLE_UNIT[index % #channels]));
    match name(bits) {
        None => quote! {
            for (index, code) in codes.iter_mut().enumerate() {
                let sample = #sample;
                *code = SAMPLES[index % SAMPLES.len()].code(sample);
            }
        },
        Some(_) => quote! {
            let mut samples = [0; #elements];
            for (index, to) in samples.iter_mut().enumerate() {
                *to = #sample;
            }
            quantise_i16(&samples, codes);
        },
    }
}

/// The name of a width of codes that share bytes.
fn name(bits: Bits) -> Option<Ident> {
    match bits {
        Bits::B8 | Bits::B32 => None,
        Bits::B4 => Some(format_ident!("B4")),
        Bits::B2 => Some(format_ident!("B2")),
    }
}

/// Methods of `Network` that take samples.
pub fn methods(header: &Header, count: &TokenStream) -> TokenStream {
    if header.samples.is_empty() || !header.inputs.is_empty() {
        return TokenStream::new();
    }
    let element = outputs::element(header);
    let infer = match frame::is_fed(header) {
        true => quote! {
            let mut frame = self.begin();
            frame.feed(samples, Frame::take_samples);
            frame.end()
        },
        false => quote! {
            quantise_i16(samples, self.input_mut());
            self.run()
        },
    };
    quote! {
        /// The outputs for 16-bit samples, as `quantise_i16` takes them. Their codes are made in place.
        pub fn infer_samples(&mut self, samples: &[i16; INPUT_ELEMENTS]) -> &[#element; #count] {
            #infer
        }
    }
}

/// The method of `Frame` that takes rows of samples.
pub fn frame(header: &Header) -> TokenStream {
    if header.samples.is_empty() {
        return TokenStream::new();
    }
    let (make, row) = (make(header.input.bits, "INPUT_"), quote!(INPUT_WIDTH * INPUT_CHANNELS));
    quote! {
        /// As `push_rows`, of 16-bit samples: `INPUT_WIDTH * INPUT_CHANNELS` in a row, as `quantise_i16`
        /// takes them. Their codes are made in place.
        ///
        /// # Errors
        /// As those of `push_rows`.
        pub fn push_samples(&mut self, samples: &[i16]) -> ::core::result::Result<(), RowsError> {
            let verdict = self.accepts(samples.len(), #row);
            if verdict.is_ok() {
                self.feed(samples, Self::take_samples);
            }
            verdict
        }

        #[inline(never)]
        fn take_samples(&mut self, rows: &mut &[i16]) -> bool {
            let make = |samples: &[i16], codes: &mut [u8]| { #make };
            turns().take(self.arena.bytes_mut(), rows, #row, make)
        }
    }
}

/// What the documentation of `INPUT_BYTES` says.
pub fn bytes(input: &Tensor) -> &'static str {
    match input.bits {
        Bits::B8 | Bits::B32 => {
            " Bytes of the image, one for each element, in the order row, column, channel; three channels\n \
             are red, green, blue."
        }
        Bits::B4 => " Bytes of the input: two codes in each, in the order row, column, channel.",
        Bits::B2 => " Bytes of the input: four codes in each, in the order row, column, channel.",
    }
}

/// What the documentation of `infer` and of `input_mut` says of the elements of an input.
pub fn documentation(tensor: &Tensor, samples: &[SampleChannel]) -> (String, String) {
    let (infer, input) = if samples.is_empty() {
        (
            " A pixel is one byte a channel, 0 to 255, as the camera delivers it and as it was in the\n \
             dataset: red, green, blue, pixel after pixel, row after row. Nothing is to be scaled, and no\n \
             mean to be taken off: the network does that.",
            " Pixels are as `infer` takes them: raw bytes, red, green, blue.",
        )
    } else if tensor.bits == Bits::B8 {
        (
            " An element is a code, 0 to 255, in the order row, column, channel: `quantise_i16` makes\n \
             codes of samples.",
            " Elements are as `infer` takes them: codes that `quantise_i16` makes of samples.",
        )
    } else {
        let bits = tensor.bits.count();
        let infer = format!(
            " Codes have {bits} bits, in the order row, column, channel, the first one in the lowest bits\n \
             of a byte; each pixel begins at a byte. `quantise_i16` makes them of samples."
        );
        let input = " Codes are as `infer` takes them: `quantise_i16` makes them of samples.";
        return (infer, input.to_string());
    };
    (infer.to_string(), input.to_string())
}
