//! Small PNG and JPEG files.

use std::io::Cursor;

use fastrand::Rng;
use image::codecs::jpeg::JpegEncoder;
use image::{ColorType, DynamicImage, ImageFormat};

use crate::mutate::{bytes, number_at, once_in};

/// A valid PNG or JPEG file, mostly of 4x4 pixels.
pub fn image(rng: &mut Rng) -> Vec<u8> {
    let mut side = || if once_in(rng, 8) { rng.u32(1..20) } else { 4 };
    let (width, height) = (side(), side());
    let colours = [
        ColorType::L8,
        ColorType::La8,
        ColorType::Rgb8,
        ColorType::Rgba8,
        ColorType::L16,
        ColorType::La16,
        ColorType::Rgb16,
        ColorType::Rgba16,
    ];
    let mut picture = DynamicImage::new(width, height, colours[rng.usize(..colours.len())]);
    if let Some(pixels) = picture.as_mut_rgb8() {
        rng.fill(pixels.as_flat_samples_mut().samples);
    } else if let Some(pixels) = picture.as_mut_luma8() {
        rng.fill(pixels.as_flat_samples_mut().samples);
    }
    let mut file = Cursor::new(Vec::new());
    if rng.bool() {
        picture.write_to(&mut file, ImageFormat::Png).expect("every colour has a PNG");
        return file.into_inner();
    }
    let picture =
        if rng.bool() { picture.into_luma8().into() } else { DynamicImage::from(picture.into_rgb8()) };
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut file, 90)).expect("8 bits have a JPEG");
    let mut file = file.into_inner();
    if once_in(rng, 3) {
        file.splice(2..2, orientation(rng.u16(..10)));
    }
    if once_in(rng, 6) {
        file.extend(b"\0\0\0\x18ftypmp42 a film behind the picture");
    }
    file
}

/// An EXIF segment that says how the camera was held: 1 to 8.
fn orientation(value: u16) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend(value.to_le_bytes());
    tiff.extend([0; 6]);
    let length = (2 + 6 + tiff.len()) as u16;
    [&b"\xff\xe1"[..], &length.to_be_bytes(), b"Exif\0\0", &tiff].concat()
}

/// Mutates a file: fields of a PNG's chunks or of a JPEG's segments, or any bytes. A PNG's checksums are
/// mended, mostly.
pub fn mutate(rng: &mut Rng, file: &mut Vec<u8>) {
    if file.len() > 33 && rng.bool() {
        // Where PNG has width, height, bits and colour, and JPEG its first segments.
        let at = rng.usize(16..29);
        number_at(rng, file, at);
    } else {
        bytes(rng, file, 4);
    }
    if !once_in(rng, 8) {
        mend_png(file);
    }
}

/// Writes the checksum that each chunk of a PNG file should have, as far as chunks can be found.
pub fn mend_png(file: &mut [u8]) {
    if !file.starts_with(b"\x89PNG") {
        return;
    }
    let mut at = 8;
    while let Some(length) = file.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = at + 8 + length;
        if end + 4 > file.len() {
            return;
        }
        let checksum = crc32fast::hash(&file[at + 4..end]);
        file[end..end + 4].copy_from_slice(&checksum.to_be_bytes());
        at = end + 4;
    }
}

/// A PNG of one colour, as large as wanted: small as a file, large as an image.
pub fn uniform_png(width: u32, height: u32) -> Vec<u8> {
    let line = vec![0; 1 + (width as usize).div_ceil(8)];
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..height {
        std::io::Write::write_all(&mut packer, &line).expect("memory can be written to");
    }
    let pixels = packer.finish().expect("memory can be written to");
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
    for (name, contents) in [(b"IHDR", &header[..]), (b"IDAT", &pixels), (b"IEND", &[])] {
        file.extend((contents.len() as u32).to_be_bytes());
        file.extend(name);
        file.extend(contents);
        file.extend([0; 4]);
    }
    mend_png(&mut file);
    file
}
