//! The networks of `docs/results.md`, all in this package's Cargo.toml; no code.
