//! Where a network has its RAM: in itself, or in the arena that all models of the firmware share.

use mixq_format::Artifact;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The variable by which `mixq_build::build()` says how large the arena is that all models share; not set
/// where each has its own.
pub const VARIABLE: &str = "MIXQ_ARENA_BYTES";

/// Where a network has its RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// In its `Network`.
    Own,
    /// In an arena of this number of bytes, which `Network` borrows.
    Shared(usize),
}

impl Memory {
    /// As the build script announces it.
    ///
    /// # Errors
    /// The variable is not a number of bytes.
    pub fn from_env() -> Result<Memory, String> {
        std::env::var(VARIABLE).map_or(Ok(Memory::Own), |text| Memory::parse(&text))
    }

    fn parse(text: &str) -> Result<Memory, String> {
        let bytes = text.parse().ok().filter(|bytes: &usize| bytes.is_multiple_of(4));
        bytes.map(Memory::Shared).ok_or_else(|| {
            format!("{VARIABLE} is `{text}`, it must be a number of bytes, in whole words of 4")
        })
    }

    /// The same, if the network has room there.
    ///
    /// # Errors
    /// The shared arena is too small: the build script ran before the artifact was made.
    pub fn check(self, artifact: &Artifact) -> Result<Memory, String> {
        match self {
            Memory::Shared(arena) if arena < artifact.ram_bytes() => Err(format!(
                "`{}` needs {} bytes of RAM, but the arena that all models share has {arena}\n\nthe model \
                 is not one of [package.metadata.mixq.models], or has changed since the build script ran",
                artifact.header.name,
                artifact.ram_bytes()
            )),
            memory => Ok(memory),
        }
    }

    /// `Arena` and `Network` with `new`; `words` are those that the network takes.
    pub fn network(self, words: u32) -> TokenStream {
        match self {
            Memory::Own => {
                let words = Literal::u32_unsuffixed(words);
                quote! {
                    /// The RAM of the network, `RAM_BYTES` bytes. Fit for a `static`: all zero at first.
                    pub struct Network {
                        arena: ::mixq_rt::Arena<#words>,
                    }

                    impl Network {
                        /// A network that has seen no image.
                        pub const fn new() -> Network {
                            Network { arena: ::mixq_rt::Arena::new() }
                        }
                    }

                    impl ::core::default::Default for Network {
                        fn default() -> Network {
                            Network::new()
                        }
                    }

                    const _: () = ::core::assert!(
                        ::core::mem::size_of::<Network>() == RAM_BYTES,
                        "mixq: the RAM figure is wrong"
                    );
                }
            }
            Memory::Shared(bytes) => {
                let (words, bytes) = (Literal::usize_unsuffixed(bytes / 4), Literal::usize_unsuffixed(bytes));
                quote! {
                    /// Bytes of the arena: what the largest model of the firmware needs.
                    pub const ARENA_BYTES: usize = #bytes;

                    /// The RAM in which all models of the firmware take turns: the same type in the module of
                    /// each. Fit for a `static`: all zero at first.
                    pub type Arena = ::mixq_rt::Arena<#words>;

                    /// The network, at work in an arena of which it takes the first `RAM_BYTES` bytes.
                    pub struct Network<'a> {
                        arena: &'a mut Arena,
                    }

                    impl<'a> Network<'a> {
                        /// A network that has seen no image. Whatever the arena holds is of no matter to it,
                        /// and is overwritten.
                        pub const fn new(arena: &'a mut Arena) -> Network<'a> {
                            Network { arena }
                        }
                    }

                    const _: () = {
                        ::core::assert!(
                            ::core::mem::size_of::<Arena>() == ARENA_BYTES && RAM_BYTES <= ARENA_BYTES,
                            "mixq: the RAM figure is wrong"
                        );
                    };
                }
            }
        }
    }

    /// The lifetime that `Network` has, for an `impl`.
    pub fn lifetime(self) -> TokenStream {
        match self {
            Memory::Own => quote!(),
            Memory::Shared(_) => quote!(<'_>),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_a_number_of_bytes() {
        assert_eq!(Memory::parse("4608"), Ok(Memory::Shared(4608)));
        for wrong in ["4 KiB", "", "-4", "6"] {
            let error = Memory::parse(wrong).unwrap_err();
            assert_eq!(
                error,
                format!("MIXQ_ARENA_BYTES is `{wrong}`, it must be a number of bytes, in whole words of 4")
            );
        }
    }
}
