//! CSV, and compression.

use std::io::{Read, Write};

use fastrand::Rng;

use crate::mutate::once_in;

/// 15 rows of 4x4 pixels and a label of 3 classes, with a header or without.
pub fn csv(rng: &mut Rng) -> String {
    let separator = if once_in(rng, 4) { ", " } else { "," };
    let end = if once_in(rng, 4) { "\r\n" } else { "\n" };
    let mut rows = Vec::new();
    if rng.bool() {
        let mut names: Vec<String> = (0..16).map(|pixel| format!("pixel{pixel}")).collect();
        names.push("label".to_string());
        rows.push(names.join(separator));
    }
    for row in 0..15 {
        let mut fields: Vec<String> = (0..16).map(|_| rng.u8(..).to_string()).collect();
        fields.push((row % 3).to_string());
        rows.push(fields.join(separator));
    }
    rows.join(end) + end
}

/// Compressed by gzip.
///
/// # Panics
/// If memory cannot be written to.
pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("memory can be written to");
    packer.finish().expect("memory can be written to")
}

/// Compressed by Zstandard.
pub fn zst(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// The most bytes that a case is unpacked to.
const MOST_UNPACKED: u64 = 1 << 20;

/// What was compressed by gzip, if it is valid and not large.
pub fn ungz(packed: &[u8]) -> Option<Vec<u8>> {
    whole(flate2::read::MultiGzDecoder::new(packed))
}

/// What was compressed by Zstandard, if it is valid and not large.
pub fn unzst(packed: &[u8]) -> Option<Vec<u8>> {
    whole(ruzstd::decoding::StreamingDecoder::new(packed).ok()?)
}

fn whole(reader: impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let count = reader.take(MOST_UNPACKED).read_to_end(&mut bytes).ok()?;
    ((count as u64) < MOST_UNPACKED).then_some(bytes)
}

/// So many times 16 MiB of zeros, compressed by gzip to 16 KiB each: a member after the other.
pub fn zeros_gz(times: usize) -> Vec<u8> {
    gz(&vec![0; 16 << 20]).repeat(times)
}

/// So many times 128 KiB of zeros, compressed by Zstandard to 4 bytes each. `first` stands before, as it is.
pub fn zeros_zst(first: &[u8], times: usize) -> Vec<u8> {
    // No checksum, no size of the contents, a window of 8 MiB.
    let mut frame = b"\x28\xb5\x2f\xfd\x00\x68".to_vec();
    let block = |last: u32, kind: u32, size: u32| {
        let header = last | kind << 1 | size << 3;
        header.to_le_bytes()[..3].to_vec()
    };
    if !first.is_empty() {
        frame.extend(block(0, 0, first.len() as u32));
        frame.extend(first);
    }
    for index in 0..times {
        frame.extend(block(u32::from(index + 1 == times), 1, 128 << 10));
        frame.push(0);
    }
    frame
}
