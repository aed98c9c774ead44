//! What a module offers whose image comes in rows.

use mixq_format::{Header, Stage};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::memory::Memory;
use crate::tables::{Step, calls, fed, stage_of};
use crate::{outputs, samples, task};

/// Whether the image comes in rows.
pub fn is_fed(header: &Header) -> bool {
    header.stages.first().is_some_and(|stage| stage.fed)
}

/// The constants about rows.
pub fn constants(header: &Header) -> TokenStream {
    let Some(stage) = header.stages.first().filter(|stage| stage.fed) else { return TokenStream::new() };
    let hop = match stage.hop {
        0 => TokenStream::new(),
        hop => {
            let hop = Literal::u16_unsuffixed(hop);
            quote! {
                /// Rows from one window of a signal to the next one, for which `Frame::slide` waits.
                pub const INPUT_HOP: usize = #hop;
            }
        }
    };
    let bytes = header.input.bytes() / usize::from(header.input.height);
    let bytes = Literal::usize_unsuffixed(bytes);
    quote! {
        pub use ::mixq_rt::format::RowsError;

        /// Bytes of a row of the image, as `Frame::push_rows` takes them.
        pub const INPUT_ROW_BYTES: usize = #bytes;

        #hop
    }
}

/// Methods of `Frame` for windows of a signal that overlap.
fn of_signal(stage: &Stage) -> TokenStream {
    if stage.hop == 0 {
        return TokenStream::new();
    }
    let hop = Literal::u16_suffixed(stage.hop);
    quote! {
        /// The window whose rows have come, for an answer: the signal goes on afterwards, with `slide`.
        pub fn window(&mut self) -> Frame<'_> {
            Frame { arena: self.arena }
        }

        /// Goes on to the next window of the signal, which begins `INPUT_HOP` rows later. The rows that both
        /// windows see are there, and so is what was computed of them: `INPUT_HOP` rows are missing now.
        ///
        /// # Errors
        /// Rows of this window are missing: it goes on.
        pub fn slide(&mut self) -> ::core::result::Result<(), RowsError> {
            turns().slide(self.arena.array_mut::<RAM_BYTES>(0), #hop)
        }
    }
}

/// `Frame`, and the methods of `Network` that make the whole of an image of its rows; nothing, if the image
/// lies in the arena whole.
pub fn module(header: &Header, steps: &[Step<'_>], memory: Memory) -> TokenStream {
    let Some(stage) = fed(steps) else { return TokenStream::new() };
    let (own, rest) = steps.split_at(usize::from(stage.stage.layers));
    let own: Vec<TokenStream> = own.iter().map(Step::call).collect();
    let rest = calls(rest);
    let of_signal = of_signal(&stage.stage);
    let (lines, stage) = (stage.field(), stage_of(&stage.stage));
    let (words, lifetime) = (memory.words(header.arena_bytes / 4), memory.lifetime());
    let (element, count) = (outputs::element(header), task::outputs(header));
    let read = outputs::read(header, &quote!(arena));
    let (samples, answers) = (samples::frame(header), task::frame(header));
    quote! {
        /// An image that comes in rows, which `Network::begin` begins: the arena holds only the rows that are
        /// still needed. Whatever can be executed with the rows that have come is executed when they come.
        #[must_use]
        pub struct Frame<'a> {
            arena: &'a mut ::mixq_rt::Arena<#words>,
        }

        /// The turns of the stage that takes the rows.
        fn turns() -> format::Turns<'static> {
            format::Turns::resume(&::core::hint::black_box(&LAYERS).#lines, &#stage)
        }

        impl Network #lifetime {
            /// Begins an image. One that was begun before and not finished is given up.
            // Not inlined: what it takes of the stack is free again when a turn is executed.
            #[inline(never)]
            pub fn begin(&mut self) -> Frame<'_> {
                let arena = self.arena.array_mut::<RAM_BYTES>(0);
                let layers = ::core::hint::black_box(&LAYERS);
                format::Turns::new(&layers.#lines, &#stage, arena).next(arena);
                Frame { arena: &mut self.arena }
            }
        }

        impl<'a> Frame<'a> {
            /// Takes the next rows of the image: any number of whole rows, `INPUT_ROW_BYTES` bytes each, as
            /// `Network::infer` takes all of them.
            ///
            /// # Errors
            /// They are not whole rows, or more than the image lacks. Nothing of them was taken then, and the
            /// image may go on.
            pub fn push_rows(&mut self, rows: &[u8]) -> ::core::result::Result<(), RowsError> {
                // Answered as it is: a copy would take more of the stack.
                let verdict = self.accepts(rows.len(), INPUT_ROW_BYTES);
                if verdict.is_ok() {
                    self.feed(rows, Self::take);
                }
                verdict
            }

            /// Rows that the image lacks.
            pub fn left(&self) -> usize {
                turns().left(self.arena.bytes())
            }

            #of_signal

            /// The outputs, as `Network::infer` answers them.
            ///
            /// # Errors
            /// Rows of the image are missing.
            pub fn finish(self) -> ::core::result::Result<&'a [#element; #count], RowsError> {
                turns().is_fed(self.arena.bytes())?;
                ::core::result::Result::Ok(self.end())
            }

            #samples

            #answers

            // Not inlined, as `begin`.
            #[inline(never)]
            fn accepts(&self, elements: usize, row: usize) -> ::core::result::Result<(), RowsError> {
                turns().accepts(self.arena.bytes(), elements, row)
            }

            // Inlined: it takes no stack beside that of its caller.
            #[inline(always)]
            fn feed<T>(&mut self, mut rows: &[T], take: fn(&mut Self, &mut &[T]) -> bool) {
                while take(self, &mut rows) {
                    self.turn();
                }
            }

            // Not inlined, as `begin`.
            #[inline(never)]
            fn take(&mut self, rows: &mut &[u8]) -> bool {
                let copy = |from: &[u8], to: &mut [u8]| to.copy_from_slice(from);
                turns().take(self.arena.bytes_mut(), rows, INPUT_ROW_BYTES, copy)
            }

            /// Executes what the rows that have come are enough for.
            // Inlined: its caller and it take less of the stack together.
            #[inline(always)]
            fn turn(&mut self) {
                let layers = ::core::hint::black_box(&LAYERS);
                let parameters = &::core::hint::black_box(&PARAMETERS).0;
                let arena = self.arena.array_mut::<RAM_BYTES>(0);
                let turns = turns();
                #(#own)*
                turns.next(arena);
            }

            /// The outputs, once all rows have come.
            fn end(mut self) -> &'a [#element; #count] {
                self.execute_rest();
                let arena: &'a ::mixq_rt::Arena<#words> = self.arena;
                #read
            }

            /// Executes the layers behind those that take the rows.
            #[inline(never)]
            fn execute_rest(&mut self) {
                let layers = ::core::hint::black_box(&LAYERS);
                let parameters = &::core::hint::black_box(&PARAMETERS).0;
                let arena = self.arena.array_mut::<RAM_BYTES>(0);
                #(#rest)*
            }
        }
    }
}
