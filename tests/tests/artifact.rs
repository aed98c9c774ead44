//! The `.mixq` file against damage of every kind.

use std::panic::catch_unwind;

use fastrand::Rng;
use mixq_format::{Artifact, Bits, FORMAT_VERSION, ReadError};
use mixq_tests::networks;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Bytes before the header and after the parameters.
const PREFIX: usize = 16;
const CHECKSUM: usize = 32;

/// A small one with several kinds of layers.
fn artifact() -> Artifact {
    networks::pooled(Bits::B4)
}

/// The same file with a checksum that matches.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - CHECKSUM);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

/// A file with a changed header and a checksum that matches.
fn with_header(artifact: &Artifact, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut header = serde_json::to_value(&artifact.header).unwrap();
    change(&mut header);
    let header = serde_json::to_vec(&header).unwrap();
    let mut bytes = artifact.to_bytes()[..8].to_vec();
    bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(artifact.parameters.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&artifact.parameters);
    bytes.extend_from_slice(&[0; CHECKSUM]);
    signed(bytes)
}

#[test]
fn a_file_read_and_written_is_the_same() {
    for artifact in networks::all() {
        let bytes = artifact.to_bytes();
        let read = Artifact::from_bytes(&bytes).unwrap();
        assert!(read == artifact, "{} changes when read", artifact.header.name);
        assert!(read.to_bytes() == bytes, "{} changes when written again", artifact.header.name);
    }
}

#[test]
fn figures_are_kept_to_the_last_bit() {
    let mut artifact = artifact();
    let mut rng = Rng::with_seed(3);
    for _ in 0..1000 {
        artifact.header.logit_scale = rng.f64();
        let read = Artifact::from_bytes(&artifact.to_bytes()).unwrap();
        assert_eq!(read.header.logit_scale.to_bits(), artifact.header.logit_scale.to_bits());
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let bytes = artifact().to_bytes();
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1 << (position % 8);
        assert!(Artifact::from_bytes(&damaged).is_err(), "bit {} of byte {position}", position % 8);
    }
}

#[test]
fn a_truncated_file_is_found_at_every_length() {
    let bytes = artifact().to_bytes();
    for length in 0..bytes.len() {
        let error = Artifact::from_bytes(&bytes[..length]).unwrap_err();
        match length {
            0..4 => assert_eq!(error, ReadError::NotMixq),
            _ => assert!(error.to_string().contains("truncated"), "{length} bytes: {error}"),
        }
    }
}

#[test]
fn bytes_after_the_end_are_found() {
    let mut bytes = artifact().to_bytes();
    bytes.push(0);
    assert!(Artifact::from_bytes(&bytes).unwrap_err().to_string().contains("1 too many"));
}

#[test]
fn another_version_is_named_even_if_all_else_is_right() {
    let mut bytes = artifact().to_bytes();
    bytes[4..8].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    let error = Artifact::from_bytes(&signed(bytes)).unwrap_err();
    assert_eq!(error, ReadError::Version { found: FORMAT_VERSION + 1 });
    assert!(error.to_string().contains(&format!("version {}", FORMAT_VERSION + 1)));
}

#[test]
fn lengths_beyond_all_bounds_are_found() {
    for field in [8, 12] {
        let mut bytes = artifact().to_bytes();
        bytes[field..field + 4].fill(0xff);
        assert!(matches!(Artifact::from_bytes(&signed(bytes)), Err(ReadError::Length { .. })));
    }
}

#[test]
fn an_unchanged_header_with_another_layout_is_fine() {
    let artifact = artifact();
    assert!(Artifact::from_bytes(&with_header(&artifact, |_| ())) == Ok(artifact));
}

#[test]
fn a_header_without_a_field_or_with_a_strange_one_is_malformed() {
    let changes: [fn(&mut Value); 4] = [
        |header| drop(header.as_object_mut().unwrap().remove("labels")),
        |header| header["novelty"] = Value::Null,
        |header| header["task"] = "novelty".into(),
        |header| drop(header["labels"].as_array_mut().unwrap().pop()),
    ];
    for change in changes {
        let error = Artifact::from_bytes(&with_header(&artifact(), change)).unwrap_err();
        assert!(matches!(error, ReadError::Malformed(_)), "{error:?}");
    }
}

/// Files from before there were tasks have no such field.
#[test]
fn a_header_without_a_task_is_of_a_classification() {
    let artifact = artifact();
    assert!(!readable(&artifact.to_bytes()).contains("\"task\""));
    let named = with_header(&artifact, |header| header["task"] = "classification".into());
    assert!(Artifact::from_bytes(&named) == Ok(artifact));
}

/// A file with a right checksum may still hold any numbers.
#[test]
fn strange_numbers_in_the_header_never_panic() {
    let all = networks::all();
    let mut rng = Rng::with_seed(7);
    let mut accepted = 0;
    for turn in 0..6000 {
        let artifact = &all[turn % all.len()];
        let bytes = with_header(artifact, |header| {
            let mut numbers = Vec::new();
            collect_numbers(header, &mut numbers);
            let index = rng.usize(..numbers.len());
            let extremes = [0, 1, 2, 3, 4, 8, 32, 255, 256, 65_535, 1 << 31, u32::MAX.into(), u64::MAX];
            let number = match numbers[index] {
                Value::String(_) => {
                    Value::from(["multiplier", "thresholds16", "thresholds32"][rng.usize(..3)])
                }
                _ => Value::from(extremes[rng.usize(..extremes.len())]),
            };
            *numbers[index] = number;
        });
        let bytes_of = |artifact: &Artifact| -> usize {
            artifact.header.all_inputs().iter().map(|(tensor, _)| tensor.bytes()).sum()
        };
        let image: Vec<u8> = (0..bytes_of(artifact)).map(|_| rng.u8(..)).collect();
        let read = catch_unwind(|| {
            let read = Artifact::from_bytes(&bytes);
            // What is accepted can be executed, whatever comes out.
            if let Ok(artifact) = &read
                && bytes_of(artifact) == image.len()
            {
                networks::logits(artifact, &image);
            }
            read
        });
        let read = read.unwrap_or_else(|_| panic!("this header made the reader panic: {}", readable(&bytes)));
        accepted += usize::from(read.is_ok());
    }
    assert!((1000..5000).contains(&accepted), "{accepted} of 6000 changed headers were accepted");
}

/// The numbers, and the rules of requantisation.
fn collect_numbers<'a>(value: &'a mut Value, numbers: &mut Vec<&'a mut Value>) {
    match value {
        Value::Number(_) => numbers.push(value),
        Value::Array(values) => values.iter_mut().for_each(|v| collect_numbers(v, numbers)),
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == "rule" { numbers.push(value) } else { collect_numbers(value, numbers) }
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn readable(bytes: &[u8]) -> String {
    let length = u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
    String::from_utf8_lossy(&bytes[PREFIX..PREFIX + length]).into_owned()
}

#[test]
fn a_larger_arena_holds_the_same_network() {
    for artifact in networks::all() {
        let least = artifact.header.arena_bytes;
        for more in [0, 4, 100, 5000] {
            let larger = artifact.in_arena(least + more);
            let (layers, before) = (larger.layers(), artifact.layers());
            larger.network(&layers).validate().unwrap();
            assert_eq!(larger.header.arena_bytes, least + more);
            let mut rng = Rng::with_seed(more.into());
            let mut arenas = [&artifact, &larger].map(|it| vec![0; it.header.arena_bytes as usize]);
            let mut image = vec![0; artifact.header.input.bytes()];
            rng.fill(&mut image);
            arenas[0][artifact.header.input.range()].copy_from_slice(&image);
            arenas[1][larger.header.input.range()].copy_from_slice(&image);
            mixq_rt::run(&artifact.network(&before), &mut arenas[0]);
            mixq_rt::run(&larger.network(&layers), &mut arenas[1]);
            let logits =
                [&arenas[0][artifact.header.output.range()], &arenas[1][larger.header.output.range()]];
            assert_eq!(logits[0], logits[1], "{} with {more} bytes more", artifact.header.name);
        }
    }
}
