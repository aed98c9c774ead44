//! What a message must be.

use mixq_build::engine::error::Error;

use crate::Verdict;

/// What only programmers understand, and that a reader asked for more memory than there is.
const INSIDES: [&str; 7] = [
    "called `",
    "panicked",
    "unwrap()",
    "RefCell",
    "index out of bounds",
    "out of memory",
    "memory allocation failed",
];

/// Panics if a message says nothing, or cannot be understood; else the case is refused.
pub(super) fn refused(error: &Error) -> Verdict {
    assert!(!error.problems.is_empty(), "an error without a problem");
    for problem in &error.problems {
        checked(&problem.message);
        assert!(!problem.message.contains(['\n', '\r']), "a message of several lines: {}", problem.message);
        if let Some(help) = &problem.help {
            checked(help);
            assert!(!help.contains(['\n', '\r']), "help of several lines: {help}");
        }
        if let Some(at) = &problem.location {
            let span = at.source.get(at.span.clone());
            assert!(span.is_some(), "a place that is not in its text: {:?} of {}", at.span, at.source.len());
        }
        checked(&problem.to_string());
    }
    Verdict::Refused
}

/// Panics if a message says nothing, or cannot be understood.
pub(super) fn checked(message: &str) {
    assert!(!message.trim().is_empty(), "an empty message");
    if let Some(inside) = INSIDES.iter().find(|inside| contains(message, inside)) {
        panic!("a message speaks of `{inside}`: {message}");
    }
}

/// Whether a message contains a word. libFuzzer learns words from comparisons, and would put these into names
/// that messages quote; from this loop without branches it learns nothing.
fn contains(message: &str, word: &str) -> bool {
    let same = |window: &[u8]| {
        window.iter().zip(word.bytes()).fold(true, |same, (one, other)| same & (*one == other))
    };
    message.as_bytes().windows(word.len()).any(same)
}
