//! What a network answers by its task from its outputs: the methods of `Network` and of `Frame`.

use mixq_format::{Header, Task};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::{inputs, outputs, task};

/// A method that computes what it answers from the outputs of an image.
struct Answer {
    doc: &'static str,
    name: &'static str,
    generics: TokenStream,
    /// The type; a reference begins with `&` and the lifetime `'a`.
    ty: TokenStream,
    /// The type of `Network`'s method, where that has no lifetime.
    own_ty: Option<TokenStream>,
    /// An expression of the outputs without their zero point, `integers`: a reference to an array.
    value: TokenStream,
    /// Whether it needs floats.
    float: bool,
}

impl Answer {
    fn new(doc: &'static str, name: &'static str, ty: TokenStream, value: TokenStream) -> Answer {
        Answer { doc, name, generics: TokenStream::new(), ty, own_ty: None, value, float: false }
    }

    /// The method of `Network`, which takes an image.
    fn of_image(&self, header: &Header) -> TokenStream {
        let (parameter, image) = (inputs::parameter(header), inputs::argument(header));
        let ty = self.own_ty.as_ref().unwrap_or(&self.ty);
        let value = &self.value;
        let integers = integers(header, &quote!(self.infer(#image)));
        let body = quote! {
            #integers
            #value
        };
        self.method(&quote!(&mut self, #parameter), ty, &body)
    }

    /// The method of `Frame`, which ends it.
    fn of_frame(&self, header: &Header) -> TokenStream {
        let (ty, value) = (&self.ty, &self.value);
        let integers = integers(header, &quote!(self.finish()?));
        let body = quote! {
            #integers
            ::core::result::Result::Ok(#value)
        };
        self.method(&quote!(self), &quote!(::core::result::Result<#ty, RowsError>), &body)
    }

    fn method(&self, parameters: &TokenStream, ty: &TokenStream, body: &TokenStream) -> TokenStream {
        let Answer { doc, generics, .. } = self;
        let name = format_ident!("{}", self.name);
        let method = quote! {
            #[doc = #doc]
            pub fn #name #generics(#parameters) -> #ty {
                #body
            }
        };
        if self.float { quote!(::mixq_rt::with_float! { #method }) } else { method }
    }
}

/// Makes `integers` of outputs: a reference to them without their zero point.
fn integers(header: &Header, outputs: &TokenStream) -> TokenStream {
    match outputs::are_codes(header) {
        true => quote! {
            let integers = &(#outputs).map(|code| i32::from(code) - i32::from(OUTPUT_ZERO_POINT));
        },
        false => quote!(let integers = #outputs;),
    }
}

/// The methods of `Network` that take an image.
pub fn of_image(header: &Header) -> Vec<TokenStream> {
    answers(header).iter().map(|answer| answer.of_image(header)).collect()
}

/// The methods of `Frame`.
pub fn of_frame(header: &Header) -> Vec<TokenStream> {
    answers(header).iter().map(|answer| answer.of_frame(header)).collect()
}

/// What a network answers beside its outputs, from these alone.
fn answers(header: &Header) -> Vec<Answer> {
    let count = task::outputs(header);
    let mut answers = Vec::new();
    if outputs::are_codes(header) {
        answers.push(Answer::new(
            " The outputs of an image as integers that are 0 where the output is: codes without their zero\n \
             point. One unit is worth `LOGIT_SCALE`.",
            "integers",
            quote!([i32; #count]),
            quote!(*integers),
        ));
    }
    let exponents = quote! {
        const EXPONENTS: ::mixq_rt::format::Exponents = ::mixq_rt::format::Exponents::new(LOGIT_SCALE);
    };
    answers.extend(match header.task {
        Task::Classification => vec![
            Answer::new(
                " The index of the class of an image: that of the largest logit, the first of equals.",
                "classify",
                quote!(usize),
                quote!(::mixq_rt::format::argmax(integers)),
            ),
            Answer {
                generics: quote!(<const K: usize>),
                ..Answer::new(
                    " The indices of the `K` likeliest classes of an image, the likeliest first, of equals \
                     the\n first.",
                    "top",
                    quote!([usize; K]),
                    quote!({
                        const { ::core::assert!(K <= CLASSES, "there are not as many classes") };
                        ::mixq_rt::format::top(integers)
                    }),
                )
            },
            Answer::new(
                " The probability of each class of an image, 255 for 1: the softmax of the logits, by \
                 integers\n alone.",
                "probabilities",
                quote!([u8; CLASSES]),
                quote!({
                    #exponents
                    EXPONENTS.softmax(integers)
                }),
            ),
        ],
        Task::MultiLabel => vec![
            Answer::new(
                " Which labels an image has: those whose logits exceed `THRESHOLDS`.",
                "labels",
                quote!([bool; CLASSES]),
                quote!({
                    let mut labels = [false; CLASSES];
                    for (label, is_set) in labels.iter_mut().enumerate() {
                        *is_set = self::is_set(integers, label);
                    }
                    labels
                }),
            ),
            Answer::new(
                " The probability of each label of an image, 255 for 1: the logistic function of its logit, \
                 by\n integers alone.",
                "probabilities",
                quote!([u8; CLASSES]),
                quote!({
                    #exponents
                    integers.map(|logit| EXPONENTS.sigmoid(logit))
                }),
            ),
        ],
        Task::Regression => vec![values(header), real_values()],
        // The image itself, or the arena, is needed, too.
        Task::Reconstruction | Task::Dense => Vec::new(),
    });
    answers
}

fn values(header: &Header) -> Answer {
    let doc = " The values of an image as integers: `OUTPUT_SCALE` and `OUTPUT_OFFSET` say what they stand\n \
               for, and `to_integer` what to compare them with.";
    if outputs::are_codes(header) {
        return Answer::new(doc, "values", quote!([i32; OUTPUTS]), quote!(*integers));
    }
    let own_ty = Some(quote!(&[i32; OUTPUTS]));
    Answer { own_ty, ..Answer::new(doc, "values", quote!(&'a [i32; OUTPUTS]), quote!(integers)) }
}

fn real_values() -> Answer {
    let value = quote!({
        let mut values = [0.0; OUTPUTS];
        for (index, value) in values.iter_mut().enumerate() {
            let integer = integers[index] as f32;
            *value = OUTPUT_SCALE[index] as f32 * integer + OUTPUT_OFFSET[index] as f32;
        }
        values
    });
    let doc = " The values of an image, in the unit of the training targets. Feature `float` of `mixq-rt`\n \
               offers this: it computes with floats.";
    Answer { float: true, ..Answer::new(doc, "real_values", quote!([f32; OUTPUTS]), value) }
}
