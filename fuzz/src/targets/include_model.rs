//! `include_model!`: the module that it makes of an artifact is Rust.

use std::path::Path;

use mixq_format::Artifact;
use mixq_format::target::ALL;
use quote::quote;

use super::artifact;
use super::messages::checked;
use crate::memory::Memory;
use crate::{Target, Verdict, expand, parse};

/// Bytes of parameters of an artifact whose module is looked at: more takes long by right.
const MOST: usize = 1 << 20;

pub(super) const MACRO: Target =
    Target { name: "macro", generate: artifact::generate, mutate: artifact::mutate, read };

fn read(case: &[u8], _: &Path) -> Verdict {
    let artifact = match Artifact::from_bytes(case) {
        Ok(artifact) if artifact.parameters.len() <= MOST => artifact,
        Ok(_) => return Verdict::Refused,
        Err(error) => {
            checked(&error.to_string());
            return Verdict::Refused;
        }
    };
    let model = parse::model(quote!(pub digits)).expect("that is how the macro is called");
    let memories = [Memory::Own(None), Memory::Shared(artifact.header.arena_bytes, None)];
    for (memory, target) in
        memories.into_iter().flat_map(|memory| ALL.iter().map(move |target| (memory, target)))
    {
        let module = expand::module(&model, &artifact, memory, target);
        let text = module.to_string();
        let file =
            syn::parse2::<syn::File>(module).unwrap_or_else(|error| panic!("the module is no Rust: {error}"));
        assert_eq!(file.items.len(), 1, "the module has company");
        // The compiler reads text, not what the macro had in memory.
        syn::parse_file(&text).unwrap_or_else(|error| panic!("the module's text is no Rust: {error}"));
    }
    Verdict::Accepted
}
