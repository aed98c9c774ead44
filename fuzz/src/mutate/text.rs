//! Wrong texts: numbers, lines and signs of TOML, linker scripts and CSV.

use fastrand::Rng;

use super::{Engine, bytes, one};

/// What stands for a number afterwards.
const VALUES: [&str; 38] = [
    "0",
    "1",
    "2",
    "3",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "-1",
    "-9223372036854775808",
    "0.5",
    "-0.0",
    "1e308",
    "1e-320",
    "1e999",
    "nan",
    "inf",
    "-inf",
    "0x7fffffffffffffff",
    "010",
    "1_000",
    "12.0",
    "\"\"",
    "[]",
    "{}",
    "true",
    "[1, 2]",
    "[65535, 65535]",
    "[0, 0, 0, 0]",
    "\"same\"",
    "\"valid\"",
];

/// What is put between.
const SIGNS: [&str; 22] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "=",
    "(",
    ")",
    "/*",
    "*/",
    ",",
    ";",
    "\u{feff}",
    "\0",
    "é",
    "\n",
    "\r\n",
    "ORIGIN(RAM)",
    "LENGTH(FLASH)",
    "-",
    "*",
    "/ 0",
];

/// Makes up to `most` mutations, at least one: numbers that become others, lines that are lost, twice or
/// elsewhere, signs, bytes.
pub fn text(rng: &mut Rng, text: &str, most: usize) -> Vec<u8> {
    let mut mutated = text.as_bytes().to_vec();
    for _ in 0..rng.usize(1..=most.max(1)) {
        match rng.u8(..10) {
            0..=4 => number(rng, &mut mutated),
            5 | 6 => line(rng, &mut mutated),
            7 | 8 => {
                let at = rng.usize(..=mutated.len());
                mutated.splice(at..at, one(rng, &SIGNS).bytes());
            }
            _ => bytes(rng, &mut mutated, 1),
        }
    }
    mutated
}

/// Makes another text of a case.
pub fn mutate_text(rng: &mut Rng, mut case: Vec<u8>, engine: Engine) -> Vec<u8> {
    if rng.bool() {
        return text(rng, &String::from_utf8_lossy(&case), 2);
    }
    engine(&mut case);
    case
}

/// A number becomes another value.
fn number(rng: &mut Rng, text: &mut Vec<u8>) {
    let begins =
        |at: &usize| text[*at].is_ascii_digit() && (*at == 0 || !text[at - 1].is_ascii_alphanumeric());
    let places: Vec<usize> = (0..text.len()).filter(begins).collect();
    if places.is_empty() {
        return;
    }
    let start = places[rng.usize(..places.len())];
    let length = text[start..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let small = rng.u8(..20).to_string();
    let value = if rng.bool() { &small } else { one(rng, &VALUES) };
    text.splice(start..start + length, value.bytes());
}

/// A line is lost, stands twice or elsewhere.
fn line(rng: &mut Rng, text: &mut Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (at, to) = (rng.usize(..lines.len()), rng.usize(..lines.len()));
    match rng.u8(..3) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(to, lines[at].clone()),
        _ => lines.swap(at, to),
    }
    *text = lines.join(&b'\n');
}
