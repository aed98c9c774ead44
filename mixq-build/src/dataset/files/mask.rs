//! Single masks: the values of a PNG file as they are, or the classes of its colours, brought to the size
//! that the network needs.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Transformations};

use super::budget::Budget;
use super::pixels::{DECODED, Unfit};
use crate::dataset::limit::size;
use crate::dataset::mask_colours::{self, Colour, Colours};
use crate::dataset::mask_values::Seen;
use crate::dataset::parts::Wanted;
use crate::task::dense::IGNORED;

/// A mask: a value for each pixel.
#[derive(Clone)]
pub struct Mask {
    /// Height and width of the file.
    pub found: [usize; 2],
    /// Height and width of `values`.
    pub size: [usize; 2],
    /// A byte a pixel, row after row: the value of the file, or the class of the colour.
    pub values: Vec<u8>,
    /// Which of these there are.
    pub seen: Seen,
    /// The colours that stand for no class; without `mask-colours` all colours of a mask that is not grey.
    pub colours: Colours,
}

/// Decodes a PNG file: grey of 1 to 16 bits, or numbers in a palette, whose colours do not matter. Colour is
/// read where all its channels are equal; transparency is dropped. Of 16 bits the largest value is 255, as of
/// fewer.
///
/// Where the dataset's table has `mask-colours`, colours count: those of a palette, and grey as well. Of 16
/// bits the upper 8 do.
///
/// If images are scaled, the mask is scaled, too, to the nearest pixel, unless it has the size of the
/// network's output.
pub fn decode(file: &[u8], wanted: &Wanted<'_>, memory: &Budget) -> Result<Mask, Unfit> {
    let unreadable = |reason: &str| Unfit::Unreadable(reason.to_string());
    let failed = |error: png::DecodingError| Unfit::Unreadable(error.to_string());
    match file {
        [] => return Err(unreadable("it is empty")),
        [0x89, b'P', b'N', b'G', ..] => {}
        _ => return Err(unreadable("it is not a PNG file: other kinds do not keep each value of a mask")),
    }
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: DECODED as usize });
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(failed)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let pixels = height.saturating_mul(width) as u64;
    let bytes = reader.output_buffer_size().map_or(u64::MAX, |bytes| bytes as u64).saturating_add(pixels);
    if bytes > DECODED {
        let most = size(DECODED);
        return Err(unreadable(&format!(
            "its {height}x{width} pixels are too many, at most {most} are decoded"
        )));
    }
    let _held = memory.take(bytes);
    let mut buffer = vec![0; (bytes - pixels) as usize];
    let info = reader.next_frame(&mut buffer).map_err(failed)?;
    // The end mark tells whether the file is whole.
    reader.finish().map_err(failed)?;
    let palette = reader.info().palette.as_deref().unwrap_or_default();
    let listed = wanted.config.mask_colours.as_deref();
    let (mut values, mut colours) = (Vec::with_capacity(height * width), Colours::default());
    let (color, depth) = (info.color_type, info.bit_depth);
    let rows = || buffer.chunks_exact(info.line_size.max(1)).take(height);
    let may_be = listed.is_none() && matches!(color, ColorType::Rgb | ColorType::Rgba);
    let is_coloured = may_be && rows().any(|row| is_coloured(&samples(row, width, color, depth), color));
    for row in rows() {
        let samples = samples(row, width, color, depth);
        if listed.is_none() && !is_coloured {
            values.extend(of_row(&samples, color).map_err(|why| unreadable(&why))?);
            continue;
        }
        for colour in colours_of_row(&samples, color, depth, palette).map_err(|why| unreadable(&why))? {
            let class = listed.map_or(IGNORED, |listed| mask_colours::class(listed, colour));
            if class == IGNORED {
                colours.insert(colour);
            }
            values.push(class);
        }
    }
    let mut seen = [false; 256];
    values.iter().for_each(|value| seen[usize::from(*value)] = true);
    let found = [height, width];
    let wanted_size = wanted_size(wanted, found);
    if wanted_size != found {
        values = nearest(&values, found, wanted_size);
    }
    Ok(Mask { found, size: wanted_size, values, seen, colours })
}

/// The samples of a row of pixels.
fn samples(row: &[u8], width: usize, color: ColorType, depth: BitDepth) -> Vec<u16> {
    let channels = color.samples();
    let mut samples: Vec<u16> = match depth {
        BitDepth::Sixteen => row.as_chunks::<2>().0.iter().map(|bytes| u16::from_be_bytes(*bytes)).collect(),
        BitDepth::Eight => row.iter().map(|byte| u16::from(*byte)).collect(),
        BitDepth::One | BitDepth::Two | BitDepth::Four => {
            let bits = depth as usize;
            let each = 8 / bits;
            let sample =
                |at: usize| u16::from(row[at / each]) >> (8 - bits - at % each * bits) & ((1 << bits) - 1);
            (0..width * channels).map(sample).collect()
        }
    };
    samples.truncate(width * channels);
    samples
}

/// Whether a row has a pixel whose channels differ.
fn is_coloured(samples: &[u16], color: ColorType) -> bool {
    match color {
        ColorType::Rgb | ColorType::Rgba => {
            samples.chunks_exact(color.samples()).any(|pixel| pixel[0] != pixel[1] || pixel[1] != pixel[2])
        }
        ColorType::Grayscale | ColorType::GrayscaleAlpha | ColorType::Indexed => false,
    }
}

/// The values of a row of pixels that is grey or has numbers of a palette.
fn of_row(samples: &[u16], color: ColorType) -> Result<Vec<u8>, String> {
    let value = |pixel: &[u16]| match pixel[0] {
        u16::MAX => Ok(u8::MAX),
        value => u8::try_from(value).map_err(|_| format!("it has the value {value}: values are 0 to 255")),
    };
    samples.chunks_exact(color.samples()).map(value).collect()
}

/// The colours of a row of pixels, in 8 bits.
fn colours_of_row(
    samples: &[u16],
    color: ColorType,
    depth: BitDepth,
    palette: &[u8],
) -> Result<Vec<Colour>, String> {
    let of_8_bits = |sample: u16| match depth {
        BitDepth::Sixteen => (sample >> 8) as u8,
        BitDepth::Eight | BitDepth::Four | BitDepth::Two | BitDepth::One => {
            (u32::from(sample) * 255 / ((1 << depth as u32) - 1)) as u8
        }
    };
    let colour = |pixel: &[u16]| match color {
        ColorType::Indexed => {
            let number = usize::from(pixel[0]);
            let found = palette.as_chunks().0.get(number).copied();
            found.ok_or_else(|| format!("its palette has no colour {number}"))
        }
        ColorType::Grayscale | ColorType::GrayscaleAlpha => Ok([of_8_bits(pixel[0]); 3]),
        ColorType::Rgb | ColorType::Rgba => Ok([pixel[0], pixel[1], pixel[2]].map(of_8_bits)),
    };
    samples.chunks_exact(color.samples()).map(colour).collect()
}

/// The size that a mask is to have. One that is not scaled keeps its own.
fn wanted_size(wanted: &Wanted<'_>, found: [usize; 2]) -> [usize; 2] {
    let (input, grid) = ([wanted.shape.height, wanted.shape.width], wanted.grid);
    if !wanted.config.resize || found == grid {
        return found;
    }
    // Blocks of the image's pixels become a pixel of the output by what most of them are.
    let is_multiple = input.iter().zip(grid).all(|(input, grid)| input.is_multiple_of(grid));
    if is_multiple { input } else { grid }
}

/// Each pixel is the one whose area its centre lies in.
fn nearest(values: &[u8], [height, width]: [usize; 2], [rows, columns]: [usize; 2]) -> Vec<u8> {
    let from = |to: usize, of: usize, all: usize| (2 * to + 1) * all / (2 * of);
    let row = |row| &values[from(row, rows, height) * width..][..width];
    (0..rows).flat_map(|to| (0..columns).map(move |column| row(to)[from(column, columns, width)])).collect()
}
