//! Single images: decoded, and brought to the shape of the network's input.

use std::io::Cursor;

use image::imageops::{FilterType, resize};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::budget::Budget;
use crate::dataset::limit::size;
use crate::dataset::parts::Wanted;
use crate::error::Problem;
use crate::graph::Shape;
use crate::observer::Observer;

/// Bytes that all images may have that are decoded at a time: 67 million pixels, as colour.
pub const DECODED: u64 = 192 << 20;

/// An image as the network wants it.
#[derive(Clone)]
pub struct Fit {
    /// One byte an element, in the order row, column, channel.
    pub pixels: Vec<u8>,
    /// Height and width that it had.
    pub found: [usize; 2],
    /// What was changed for that.
    pub changes: Changes,
}

/// How many images were changed for the network beyond their size.
#[derive(Clone, Copy, Default)]
pub struct Changes {
    grey: usize,
    colour: usize,
    opaque: usize,
    shallow: usize,
}

/// What is wrong with an image.
#[derive(Clone)]
pub enum Unfit {
    /// It cannot be decoded.
    Unreadable(String),
    /// Height and width are not those of the network's input, and nothing allows to change them.
    Size(usize, usize),
}

/// Decodes a JPEG or PNG file: one byte an element, in the order row, column, channel, turned as its EXIF
/// data say.
///
/// Colour becomes grey by the luma of BT.601 (0.299 R + 0.587 G + 0.114 B), grey becomes three equal
/// channels; transparency is dropped, 16 bits become 8. `resized`: images of another size are scaled as a
/// whole.
pub fn decode(file: &[u8], shape: Shape, resized: bool, memory: &Budget) -> Result<Fit, Unfit> {
    let unreadable = |error: image::ImageError| Unfit::Unreadable(error.to_string());
    let mut reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .map_err(|error| Unfit::Unreadable(error.to_string()))?;
    let is_png = match reader.format() {
        Some(ImageFormat::Jpeg) if ends_early(file) => {
            return Err(Unfit::Unreadable("it is truncated".to_string()));
        }
        Some(format @ (ImageFormat::Jpeg | ImageFormat::Png)) => format == ImageFormat::Png,
        _ if file.is_empty() => return Err(Unfit::Unreadable("it is empty".to_string())),
        _ => return Err(Unfit::Unreadable("it is neither JPEG nor PNG".to_string())),
    };
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let orientation = if is_png {
        // The decoder knows only what stands before the pixels.
        png_exif(file).and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
    } else {
        decoder.orientation().map_err(unreadable)?
    };
    let (width, height) = decoder.dimensions();
    let (width, height) = if is_turned(orientation) { (height, width) } else { (width, height) };
    if !resized && (height as usize, width as usize) != (shape.height, shape.width) {
        return Err(Unfit::Size(height as usize, width as usize));
    }
    // Grey may become colour before it is scaled.
    let bytes = decoder.total_bytes().max(3 * u64::from(width) * u64::from(height));
    if bytes > DECODED {
        let decoded = size(bytes);
        let reason =
            format!("its {height}x{width} pixels are {decoded}, at most {} are decoded", size(DECODED));
        return Err(Unfit::Unreadable(reason));
    }
    let held = memory.take(bytes);
    let mut image = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    image.apply_orientation(orientation);
    let fit = fit(image, shape, resized);
    drop(held);
    fit
}

/// Brings pixels in the order row, column, channel to the shape of the network's input.
pub fn from_raw(pixels: &[u8], found: Shape, shape: Shape, resized: bool) -> Result<Fit, Unfit> {
    if found == shape {
        let found = [found.height, found.width];
        return Ok(Fit { pixels: pixels.to_vec(), found, changes: Changes::default() });
    }
    let (width, height) = (found.width as u32, found.height as u32);
    let image = match found.channels {
        1 => GrayImage::from_raw(width, height, pixels.to_vec()).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, pixels.to_vec()).map(DynamicImage::from),
    };
    let image = image.ok_or_else(|| Unfit::Unreadable(format!("it is not an image of {found}")))?;
    fit(image, shape, resized)
}

fn fit(image: DynamicImage, shape: Shape, resized: bool) -> Result<Fit, Unfit> {
    let (width, height) = (shape.width as u32, shape.height as u32);
    let same = (image.width(), image.height()) == (width, height);
    let found = [image.height() as usize, image.width() as usize];
    if !same && !resized {
        return Err(Unfit::Size(image.height() as usize, image.width() as usize));
    }
    let filter = FilterType::Triangle;
    let kind = image.color();
    let mut changes = Changes {
        opaque: usize::from(!is_opaque(&image)),
        shallow: usize::from(kind.bytes_per_pixel() > kind.channel_count()),
        ..Changes::default()
    };
    let pixels = if shape.channels == 1 {
        let image = if kind.has_color() {
            let image = image.into_rgb8();
            changes.grey =
                usize::from(image.as_raw().as_chunks::<3>().0.iter().any(|[r, g, b]| r != g || g != b));
            grey(&image)
        } else {
            image.into_luma8()
        };
        if same { image.into_raw() } else { resize(&image, width, height, filter).into_raw() }
    } else {
        changes.colour = usize::from(!kind.has_color());
        let image = image.into_rgb8();
        if same { image.into_raw() } else { resize(&image, width, height, filter).into_raw() }
    };
    Ok(Fit { pixels, found, changes })
}

/// The luma of BT.601, as JPEG, cameras, Pillow and OpenCV have it: 0.299 R + 0.587 G + 0.114 B in 16 bits,
/// rounded.
fn grey(image: &RgbImage) -> GrayImage {
    let mut grey = GrayImage::new(image.width(), image.height());
    for (grey, image) in grey.pixels_mut().zip(image.pixels()) {
        let [r, g, b] = image.0.map(u32::from);
        grey.0 = [((19_595 * r + 38_470 * g + 7_471 * b + (1 << 15)) >> 16) as u8];
    }
    grey
}

fn is_opaque(image: &DynamicImage) -> bool {
    match image {
        DynamicImage::ImageLumaA8(image) => image.pixels().all(|pixel| pixel.0[1] == u8::MAX),
        DynamicImage::ImageRgba8(image) => image.pixels().all(|pixel| pixel.0[3] == u8::MAX),
        DynamicImage::ImageLumaA16(image) => image.pixels().all(|pixel| pixel.0[1] == u16::MAX),
        DynamicImage::ImageRgba16(image) => image.pixels().all(|pixel| pixel.0[3] == u16::MAX),
        _ => true,
    }
}

fn is_turned(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH)
}

/// The EXIF data of a PNG file; some programs write them behind the pixels.
fn png_exif(png: &[u8]) -> Option<&[u8]> {
    let mut rest = png.get(8..)?;
    loop {
        let (length, kind) = (rest.first_chunk::<4>()?, rest.get(4..8)?);
        let length = u32::from_be_bytes(*length) as usize;
        if kind == b"eXIf" {
            return rest.get(8..8 + length);
        }
        // Length, kind, data and checksum.
        rest = rest.get(length.checked_add(12)?..)?;
    }
}

/// Whether a JPEG file is cut off: decoders fill up what is missing without an error. A whole file has an
/// end marker after its first scan. What follows the marker, such as the film of a motion photo, does not
/// belong to the image.
fn ends_early(jpeg: &[u8]) -> bool {
    let (mut at, mut scans) = (0, 0);
    while let Some(next) = jpeg.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xFF)) {
        at += next + 1;
        let Some(marker) = jpeg.get(at) else { return true };
        match marker {
            0xD9 => return scans == 0,
            // A byte that fills, and markers without data: one stuffed into a scan, restarts, the start of
            // the image.
            0xFF => {}
            0x00 | 0x01 | 0xD0..=0xD8 => at += 1,
            _ => {
                scans += usize::from(*marker == 0xDA);
                let Some(length) = jpeg.get(at + 1..at + 3) else { return true };
                at += 1 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
    true
}

impl Changes {
    /// Counts those of more images.
    pub fn add(&mut self, other: Changes) {
        self.grey += other.grey;
        self.colour += other.colour;
        self.opaque += other.opaque;
        self.shallow += other.shallow;
    }

    /// Says once what the device must do as well.
    pub fn warn(self, wanted: &Wanted<'_>, observer: &mut dyn Observer) {
        let path = wanted.config.path.display();
        for (count, done) in [
            (
                self.grey,
                "in colour were made grey (0.299 red + 0.587 green + 0.114 blue), since the network wants \
                 one channel",
            ),
            (self.colour, "in grey got three equal channels, since the network wants colour"),
            (self.opaque, "are partly transparent; their transparency was dropped"),
            (self.shallow, "of 16 bits a channel were reduced to 8"),
        ] {
            if count > 0 {
                observer.warn(&format!("{path}: {count} images {done}"));
            }
        }
    }
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
