//! Where a network has its RAM: in itself, or in the arena that all models of the firmware share.

use mixq_format::Artifact;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The variable by which `mixq_build::build()` says how large the arena is that all models share; not set
/// where each has its own.
pub const SHARED: &str = "MIXQ_ARENA_BYTES";

/// The variable by which it says in how many bytes each model works, of its own arena or of the shared one:
/// `digits=5824,faces=4608`. A model that is not there works in the least.
pub const OWN: &str = "MIXQ_ARENAS";

/// Where a network has its RAM, and in how many bytes it works; `None`: in as few as it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// In its `Network`.
    Own(Option<u32>),
    /// In an arena of this number of bytes, which `Network` borrows.
    Shared(u32, Option<u32>),
}

impl Memory {
    /// As the build script announces it for a model.
    ///
    /// # Errors
    /// A variable is not as the build script writes it.
    pub fn from_env(model: &str) -> Result<Memory, String> {
        let own = std::env::var(OWN).map_or(Ok(None), |text| own(&text, model))?;
        match std::env::var(SHARED) {
            Ok(text) => Ok(Memory::Shared(bytes(SHARED, &text)?, own)),
            Err(_) => Ok(Memory::Own(own)),
        }
    }

    /// The network in this memory. What the build script announces is within the budget of Cargo.toml, which
    /// may be larger by now than when the artifact was made.
    ///
    /// # Errors
    /// There is too little: the build script ran before the artifact was made.
    pub fn place(self, artifact: &Artifact) -> Result<Artifact, String> {
        let (name, needed) = (&artifact.header.name, artifact.header.arena_bytes);
        let (Memory::Own(own) | Memory::Shared(_, own)) = self;
        let own = own.unwrap_or(needed);
        let (what, bytes) = match self {
            Memory::Shared(shared, _) if shared < own.max(needed) => {
                ("the arena that all models share", shared)
            }
            Memory::Own(_) | Memory::Shared(..) => ("its arena", own),
        };
        if bytes < needed {
            return Err(format!(
                "`{name}` needs {needed} bytes of RAM, but {what} has {bytes}\n\nthe model is not one of \
                 [package.metadata.mixq.models], or has changed since the build script ran"
            ));
        }
        let mut placed = artifact.in_arena(bytes);
        placed.header.budget.ram = placed.header.budget.ram.max(bytes.into());
        Ok(placed)
    }

    /// `Arena` and `Network` with `new`; `words` are those that the network takes.
    pub fn network(self, words: u32) -> TokenStream {
        match self {
            Memory::Own(_) => {
                let words = self.words(words);
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
            Memory::Shared(bytes, _) => {
                let (words, bytes) = (self.words(words), Literal::u32_unsuffixed(bytes));
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

    /// The words of the arena; `words` are those that the network takes.
    pub fn words(self, words: u32) -> Literal {
        match self {
            Memory::Own(_) => Literal::u32_unsuffixed(words),
            Memory::Shared(bytes, _) => Literal::u32_unsuffixed(bytes / 4),
        }
    }

    /// The lifetime that `Network` has, for an `impl`.
    pub fn lifetime(self) -> TokenStream {
        match self {
            Memory::Own(_) => quote!(),
            Memory::Shared(..) => quote!(<'_>),
        }
    }
}

fn own(text: &str, model: &str) -> Result<Option<u32>, String> {
    let own = text.split(',').find_map(|part| part.strip_prefix(model)?.strip_prefix('='));
    own.map(|text| bytes(OWN, text)).transpose()
}

fn bytes(variable: &str, text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|bytes: &u32| bytes.is_multiple_of(4))
        .ok_or_else(|| format!("{variable} has `{text}`, it must be a number of bytes, in whole words of 4"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_of_bytes() {
        assert_eq!(bytes(SHARED, "4608"), Ok(4608));
        for wrong in ["4 KiB", "", "-4", "6"] {
            let error = bytes(SHARED, wrong).unwrap_err();
            assert_eq!(
                error,
                format!("MIXQ_ARENA_BYTES has `{wrong}`, it must be a number of bytes, in whole words of 4")
            );
        }
    }

    #[test]
    fn each_model_has_its_own() {
        let of = |model| own("digits=5824,digits2=8,faces=4608", model);
        assert_eq!(of("digits"), Ok(Some(5824)));
        assert_eq!(of("faces"), Ok(Some(4608)));
        assert_eq!(of("digit"), Ok(None));
        assert!(own("digits=x", "digits").is_err());
    }
}
