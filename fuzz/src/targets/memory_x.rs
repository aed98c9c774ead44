//! Linker scripts.

use std::path::Path;

use mixq_build::engine::config::memory_x::MemoryX;

use super::messages::refused;
use crate::mutate::{mutate_text, text};
use crate::seeds::networks::MEMORY_X as SCRIPT;
use crate::{Target, Verdict};

pub(super) const MEMORY_X: Target =
    Target { name: "memory_x", generate: |rng| text(rng, SCRIPT, 3), mutate: mutate_text, read };

fn read(case: &[u8], _: &Path) -> Verdict {
    let script = String::from_utf8_lossy(case);
    let memory = match MemoryX::parse(Path::new("memory.x"), &script) {
        Ok(memory) => memory,
        Err(error) => return refused(&error),
    };
    for region in [&memory.flash, &memory.ram] {
        assert!(region.bytes > 0, "a region of 0 bytes");
        assert!(script.get(region.at.span.clone()).is_some(), "a length stands in no text");
    }
    assert_eq!(
        MemoryX::parse(Path::new("memory.x"), &script),
        Ok(memory),
        "read again, it is another memory"
    );
    Verdict::Accepted
}
