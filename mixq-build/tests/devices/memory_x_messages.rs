//! Linker scripts: what is wrong, and where.

use proptest::prelude::*;

use crate::memory_x::{parse, says};

#[test]
fn what_is_wrong_and_where() {
    let region = |text: &str| format!("MEMORY\n{{\n  FLASH : ORIGIN = 0, LENGTH = {text}\n}}\n");
    says("^", "there is no `MEMORY { ... }`");
    says("^SECTIONS { }", "there is no `MEMORY { ... }`");
    says("MEMORY {\n  ^/* no end", "this comment has no end");
    says("INCLUDE ^\"no end", "this quote has no end");
    says("MEMORY {^", "expected a region's name or `}`, but the file ends");
    says("MEMORY { ^: }", "expected a region's name or `}`, found `:`");
    says("MEMORY { A-^: }", "expected the rest of a region's name, found `:`");
    says("MEMORY { FLASH (rx^", "expected `)`, but the file ends");
    says("MEMORY { FLASH ^ORIGIN = 0", "expected `:`, found `ORIGIN`");
    says("MEMORY { FLASH : ^START = 0", "expected `ORIGIN`, found `START`");
    says("MEMORY { FLASH : ORIGIN ^0", "expected `=`, found `0`");
    says("MEMORY { FLASH : ORIGIN = 0, ^SIZE = 4", "expected `LENGTH`, found `SIZE`");
    says(
        "MEMORY { A : ORIGIN = 0, LENGTH = 1\n ^A : ORIGIN = 0, LENGTH = 1 }",
        "the region `A` stands there twice",
    );
    says("MEMORY { FLASH : ORIGIN = 0, LENGTH = ^}", "expected a number, found `}`");
    says("MEMORY { FLASH : ORIGIN = 0, LENGTH = 1 +^", "expected a number, but the file ends");
    says(&region("^1024KB"), "`1024KB` is not a number that mixq reads");
    says(&region("^FLASH_SIZE"), "`FLASH_SIZE` is not a number that mixq reads");
    says(&region("^1.5M"), "`1.5M` is not a number that mixq reads");
    says(&region("^09"), "`09` is not a number that mixq reads");
    says(&region("^18446744073709551616"), "`18446744073709551616` is not a number that mixq reads");
    says(
        &region("^0xffffffffffffffff + 1"),
        "this is 18446744073709551616, which is no 64-bit address or length",
    );
    says(&region("^16K - 32K"), "this is -16384, which is no 64-bit address or length");
    says(&region("16K ^/ (4 - 4)"), "this is not a number that a linker could calculate with");
    says(
        &region("0xffffffffffffffff ^* 0xffffffffffffffff"),
        "this is not a number that a linker could calculate with",
    );
    says(&region("(16K ^}"), "expected `)`, found `}`");
    says(&region("LENGTH(^RAM)"), "there is no region `RAM` before this line");
    says(&region("LENGTH ^RAM"), "expected `(`, found `RAM`");
    let deep = format!("{}^({}1{}", "(".repeat(32), "(".repeat(2000), ")".repeat(2033));
    says(&region(&deep), "more than 32 brackets within each other");
    says(&region("^0"), "the region `FLASH` has a length of 0 bytes");
}

#[test]
fn all_missing_regions_are_told() {
    let error =
        parse("\n  MEMORY { ROM : ORIGIN = 0, LENGTH = 1\n SRAM : ORIGIN = 1, LENGTH = 2 }").unwrap_err();
    let help = |name: &str| {
        format!(
            "name it as cortex-m-rt wants, add REGION_ALIAS({name}, ...), or leave `memory-x` out and write \
             `flash` and `ram`"
        )
    };
    let line = "MEMORY { ROM : ORIGIN = 0, LENGTH = 1";
    let expected = ["FLASH", "RAM"].map(|name| {
        format!(
            "memory.x:2:3: `MEMORY` has no region `{name}`, there is `ROM`, `SRAM`; {} | {line}",
            help(name)
        )
    });
    assert_eq!(error.to_string().lines().collect::<Vec<_>>(), expected);
    assert!(parse("MEMORY {}").unwrap_err().to_string().contains("has no region `RAM`, there is none"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text: String) {
        let _ = parse(&text);
        let _ = parse(&format!("MEMORY {{ FLASH : ORIGIN = {text}"));
    }

    /// Nearly scripts.
    #[test]
    fn no_tokens_make_it_panic(tokens in prop::collection::vec(prop::sample::select(vec![
        "MEMORY", "{", "}", "FLASH", "RAM", "(", ")", "rx", ":", "ORIGIN", "=", "0x20000000", ",",
        "LENGTH", "64K", "+", "-", "*", "/", "<", ">", "REGION_ALIAS", "INCLUDE", "PROVIDE", "#", "/*", "*/",
        "\"", "ü", "\n", "0", "9999999999999999999999",
    ]), 0..60)) {
        let text = tokens.join(" ");
        if let Err(error) = parse(&text) {
            for problem in error.problems {
                let at = problem.location.clone().expect("a place");
                prop_assert!(at.source.get(at.span.clone()).is_some());
                prop_assert!(!problem.to_string().contains('\n'));
            }
        }
        let _ = parse(&format!("MEMORY {{ FLASH : ORIGIN = 0, LENGTH = {text}"));
    }
}
