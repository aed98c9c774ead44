//! The rooms of this crate, for `cargo-mixq` and for mixq's own tests.
//!
//! This module is hidden and no part of the public API: it changes in any version. That is why `cargo-mixq`
//! names the exact version of mixq-build that it needs.

/// A public module for each private one, with its public items.
macro_rules! open {
    ($($(#[$attribute:meta])* $room:ident),* $(,)?) => {
        $(
            $(#[$attribute])*
            pub mod $room {
                pub use crate::$room::*;
            }
        )*
    };
}

open! {
    artifact,
    #[cfg(feature = "import")]
    as_imported,
    clock,
    config,
    #[cfg(any(feature = "import", feature = "integer"))]
    convert,
    dataset,
    error,
    #[cfg(feature = "integer")]
    evaluate,
    graph,
    import,
    memory,
    observer,
    #[cfg(all(feature = "import", feature = "integer"))]
    pipeline,
    prepare,
    report,
    script,
    settings,
    shortage,
    size,
    target,
    task,
    #[cfg(feature = "train")]
    train,
}
