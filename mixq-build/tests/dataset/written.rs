//! Images and archives that tests write.

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::error::Error;
use mixq_build::engine::graph::Shape;
use mixq_build::engine::observer::Observer;

/// A file's name and contents.
pub type Files = Vec<(String, Vec<u8>)>;

/// Two rows of three pixels, three channels.
pub const COLOUR: Shape = Shape { height: 2, width: 3, channels: 3 };

/// Pixels that differ from image to image.
pub fn pixels(shape: Shape, seed: usize) -> Vec<u8> {
    (0..shape.elements()).map(|at| (seed * 31 + at * 7 + at * at) as u8).collect()
}

/// The file of an image.
pub fn encode(shape: Shape, pixels: &[u8], format: ImageFormat) -> Vec<u8> {
    let (width, height) = (shape.width as u32, shape.height as u32);
    let image: DynamicImage = match shape.channels {
        1 => GrayImage::from_raw(width, height, pixels.to_vec()).unwrap().into(),
        _ => RgbImage::from_raw(width, height, pixels.to_vec()).unwrap().into(),
    };
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

pub fn png(shape: Shape, seed: usize) -> Vec<u8> {
    encode(shape, &pixels(shape, seed), ImageFormat::Png)
}

/// Four images to train with and two to measure with, of two classes; by number in the order in which they
/// must be read.
pub fn small() -> Files {
    let names = ["train/ant/a.png", "train/ant/b.png", "train/bee/a.PNG", "train/bee/c.png"];
    let names = names.into_iter().chain(["test/ant/a.png", "test/bee/0.png"]).enumerate();
    names.map(|(seed, name)| (name.to_string(), png(COLOUR, seed))).collect()
}

/// With other files in place of some, or added.
pub fn with(mut files: Files, changes: &[(&str, &[u8])]) -> Files {
    for (name, contents) in changes {
        files.retain(|(known, _)| known != name);
        files.push((name.to_string(), contents.to_vec()));
    }
    files
}

pub fn write_folder(root: &Path, files: &Files) {
    for (name, contents) in files {
        let path = root.join(name);
        // A name that ends in a slash is that of a folder.
        let folder = if name.ends_with('/') { &path } else { path.parent().unwrap() };
        fs::create_dir_all(folder).unwrap();
        if !name.ends_with('/') {
            fs::write(&path, contents).unwrap();
        }
    }
}

/// In the opposite order, since archives are in any.
pub fn tar(files: &Files) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, contents) in files.iter().rev() {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        if name.ends_with('/') {
            header.set_entry_type(tar::EntryType::Directory);
        }
        archive.append_data(&mut header, name, &contents[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

pub fn zip(files: &Files) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in files.iter().rev() {
        let options = zip::write::SimpleFileOptions::default();
        if name.ends_with('/') {
            archive.add_directory(name.as_str(), options).unwrap();
        } else {
            archive.start_file(name.as_str(), options).unwrap();
            archive.write_all(contents).unwrap();
        }
    }
    archive.finish().unwrap().into_inner()
}

/// One frame.
pub fn zstd(contents: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(contents, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A file in a folder of its own.
pub fn write_file(folder: &Path, name: &str, contents: &[u8]) -> PathBuf {
    let path = folder.join(name);
    File::create(&path).unwrap().write_all(contents).unwrap();
    path
}

/// Keeps what is warned of.
#[derive(Default)]
pub struct Heard {
    pub warnings: Vec<String>,
    pub progress: Vec<(u64, u64)>,
}

impl Observer for Heard {
    fn read(&mut self, done: u64, total: u64) {
        self.progress.push((done, total));
    }

    fn warn(&mut self, message: &str) {
        self.warnings.push(message.to_string());
    }
}

/// Two classes of small coloured images.
pub fn load(config: &DatasetConfig) -> Result<Dataset, Error> {
    Dataset::load(config, COLOUR, 2, &mut ())
}

/// What is said of a folder with these files; `ROOT` stands for its path.
pub fn refused(files: &Files, change: impl Fn(DatasetConfig) -> DatasetConfig) -> Vec<String> {
    let folder = tempfile::TempDir::new().unwrap();
    write_folder(folder.path(), files);
    let error = load(&change(DatasetConfig::new(folder.path()))).expect_err("an error");
    let text = error.to_string().replace(&folder.path().display().to_string(), "ROOT");
    text.lines().map(String::from).collect()
}
