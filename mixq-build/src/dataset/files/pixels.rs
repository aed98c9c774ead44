//! Single images: decoded, and brought to the shape of the network's input.

use std::io::Cursor;

use image::imageops::{FilterType, resize};
use image::{DynamicImage, GrayImage, ImageFormat, ImageReader, RgbImage};

use crate::dataset::parts::Wanted;
use crate::error::Problem;
use crate::graph::Shape;

/// What is wrong with an image.
pub enum Unfit {
    /// It cannot be decoded.
    Unreadable(String),
    /// Height and width are not those of the network's input, and nothing allows to change them.
    Size(usize, usize),
}

/// Decodes a JPEG or PNG file: one byte an element, in the order row, column, channel.
///
/// Colour becomes grey by the luminance of BT.709 (0.2126 R + 0.7152 G + 0.0722 B), grey becomes three equal channels;
/// transparency is dropped, 16 bits become 8. `resized`: images of another size are scaled as a whole.
pub fn decode(file: &[u8], shape: Shape, resized: bool) -> Result<Vec<u8>, Unfit> {
    let unreadable = |error: image::ImageError| Unfit::Unreadable(error.to_string());
    let reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .map_err(|error| Unfit::Unreadable(error.to_string()))?;
    match reader.format() {
        Some(ImageFormat::Jpeg) if ends_early(file) => {
            return Err(Unfit::Unreadable("it is truncated".to_string()));
        }
        Some(ImageFormat::Jpeg | ImageFormat::Png) => {}
        _ if file.is_empty() => return Err(Unfit::Unreadable("it is empty".to_string())),
        _ => return Err(Unfit::Unreadable("it is neither JPEG nor PNG".to_string())),
    }
    fit(reader.decode().map_err(unreadable)?, shape, resized)
}

/// Brings pixels in the order row, column, channel to the shape of the network's input.
pub fn from_raw(pixels: &[u8], found: Shape, shape: Shape, resized: bool) -> Result<Vec<u8>, Unfit> {
    if found == shape {
        return Ok(pixels.to_vec());
    }
    let (width, height) = (found.width as u32, found.height as u32);
    let image = match found.channels {
        1 => GrayImage::from_raw(width, height, pixels.to_vec()).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, pixels.to_vec()).map(DynamicImage::from),
    };
    let image = image.ok_or_else(|| Unfit::Unreadable(format!("it is no image of {found}")))?;
    fit(image, shape, resized)
}

fn fit(image: DynamicImage, shape: Shape, resized: bool) -> Result<Vec<u8>, Unfit> {
    let (width, height) = (shape.width as u32, shape.height as u32);
    let same = (image.width(), image.height()) == (width, height);
    if !same && !resized {
        return Err(Unfit::Size(image.height() as usize, image.width() as usize));
    }
    let filter = FilterType::Triangle;
    Ok(match (shape.channels, same) {
        (1, true) => image.into_luma8().into_raw(),
        (1, false) => resize(&image.into_luma8(), width, height, filter).into_raw(),
        (_, true) => image.into_rgb8().into_raw(),
        (_, false) => resize(&image.into_rgb8(), width, height, filter).into_raw(),
    })
}

/// Decoders of JPEG fill up what is missing. After the start of its last scan a whole file has an end marker; in the data of a
/// scan no marker occurs.
fn ends_early(jpeg: &[u8]) -> bool {
    let marker = jpeg.windows(2).rev().find(|pair| matches!(pair, [0xFF, 0xD9 | 0xDA]));
    marker != Some(&[0xFF, 0xD9])
}

impl Unfit {
    /// The same of a dataset whose images are all alike.
    pub fn of_all(self, wanted: &Wanted<'_>) -> Problem {
        let path = wanted.config.path.display();
        match self {
            Unfit::Unreadable(reason) => Problem::new(format!("{path}: {reason}")),
            Unfit::Size(height, width) => {
                let Shape { height: rows, width: columns, .. } = wanted.shape;
                let message = format!(
                    "the images of {path} are {height}x{width}, but the network wants {rows}x{columns}"
                );
                let help = "`resize = true` in the dataset's table scales images; sizes are height x width";
                Problem::new(message).help(help)
            }
        }
    }
}
