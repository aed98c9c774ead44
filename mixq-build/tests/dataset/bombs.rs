//! Small files that would become large ones, and large ones that are right.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::graph::Shape;
use tempfile::TempDir;

use crate::given::{DIGIT, Given};
use crate::written::*;

/// An array of unsigned bytes.
fn npy(sizes: &str, elements: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({sizes}), }}\n");
    [&b"\x93NUMPY\x01\0"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes(), elements].concat()
}

/// More than 64 MiB may become of no file of a few hundred kilobytes.
const LARGE: usize = 80 << 20;

fn gzip(contents: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(contents).unwrap();
    encoder.finish().unwrap()
}

fn refused(name: &str, contents: &[u8], shape: Shape) -> String {
    Given::file(name, contents).refused(shape, 2)
}

/// `becomes more than ... from ...: `, with sizes that depend on how well it was packed.
fn says_unpacked(said: &str, ends: &str) {
    assert!(said.starts_with("ROOT becomes more than 64 MiB when it is unpacked, from "), "{said}");
    assert!(said.contains(": that may be 64 MiB or 100 times the size; "), "{said}");
    assert!(said.ends_with(ends), "{said}");
}

#[test]
fn archives_that_become_too_large_are_refused() {
    let zeros = vec![0; LARGE];
    let help = "; unpack it into a folder and name that, if these are your data";
    for name in ["train/ant/x.png", "train/ant/notes.txt", "train-images-idx3-ubyte"] {
        let files = with(small(), &[(name, &zeros)]);
        let packed = tar(&files);
        let ends = format!("; it is reached in {name}{help}");
        says_unpacked(&refused("d.tar.gz", &gzip(&packed), COLOUR), &ends);
        says_unpacked(&refused("d.tar.zst", &zstd(&packed), COLOUR), &ends);
    }
    // Of a ZIP file only what is read is unpacked; an image is read no further than an image goes.
    let packed = zip(&with(small(), &[("train-images-idx3-ubyte", &zeros)]));
    says_unpacked(
        &refused("d.zip", &packed, COLOUR),
        &format!("; it is reached in train-images-idx3-ubyte{help}"),
    );
    let said = refused("d.zip", &zip(&with(small(), &[("train/ant/x.png", &zeros)])), COLOUR);
    let expected = "ROOT: 1 of 7 images cannot be read: train/ant/x.png (it has 80 MiB or more, the file of \
                    an image may have 64 MiB); ";
    assert!(said.starts_with(expected), "{said}");
    // Each of many files is small.
    let many: Files =
        (0..100).map(|at| (format!("train/ant/{at:02}.png"), zeros[..1 << 20].to_vec())).collect();
    says_unpacked(&refused("d.zip", &zip(&many), COLOUR), help);
    says_unpacked(&refused("d.tar.gz", &gzip(&tar(&many)), COLOUR), help);
}

/// A file of 4 GiB that is one hole is 512 bytes of a tar file.
#[test]
fn holes_in_files_are_no_data() {
    let name = "train-images-idx3-ubyte";
    let mut header = tar::Header::new_gnu();
    header.set_path(name).unwrap();
    header.set_size(0);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::GNUSparse);
    let sparse = header.as_gnu_mut().unwrap();
    sparse.set_real_size(1 << 32);
    sparse.sparse[0].set_offset(1 << 32);
    sparse.sparse[0].set_length(0);
    let mut archive = tar::Builder::new(Vec::new());
    header.set_cksum();
    archive.append(&header, &b""[..]).unwrap();
    let said = refused("d.tar", &archive.into_inner().unwrap(), DIGIT);
    let help = "; unpack it into a folder and name that, if these are your data";
    says_unpacked(&said, &format!("; it is reached in {name}{help}"));
}

#[test]
fn files_that_become_too_large_are_refused() {
    let mut header = vec![0, 0, 8, 3];
    header.extend([(LARGE / 6) as u32, 3, 2].iter().flat_map(|size| size.to_be_bytes()));
    let mut images = header;
    images.resize(LARGE, 0);
    let name = "train-images-idx3-ubyte.gz";
    let said = Given::folder(&vec![(name.to_string(), gzip(&images))]).refused(DIGIT, 2);
    assert!(
        said.starts_with(&format!("ROOT: {name} becomes more than 64 MiB when it is unpacked, from ")),
        "{said}"
    );
    // Packed twice: the outer size counts.
    let files: Files = vec![(name.to_string(), gzip(&images))];
    let said = refused("d.tar.gz", &gzip(&tar(&files)), DIGIT);
    assert!(
        said.starts_with(&format!("ROOT: {name} becomes more than 64 MiB when it is unpacked, from ")),
        "{said}"
    );
    let arrays: Files = vec![("x.npy".to_string(), images)];
    let help = "save it with numpy.savez, which does not compress, if these are your data";
    says_unpacked(&refused("d.npz", &zip(&arrays), DIGIT), &format!("; it is reached in x; {help}"));
    // Rows without end, and one row without end.
    let rows = "0,0,0,0,0,0,1\n".repeat(LARGE / 14);
    let help = "; unpack it and name the .csv file, if these are your data";
    says_unpacked(&refused("d.csv.gz", &gzip(rows.as_bytes()), DIGIT), help);
    let line = "0,".repeat(9 << 20);
    let expected = format!("ROOT has a line 2 of more than 16 MiB, which is not a row of pixels{help}");
    for (name, contents) in
        [("d.csv", format!("a\n{line}").into_bytes()), ("d.csv.gz", gzip(format!("a\n{line}").as_bytes()))]
    {
        assert_eq!(refused(name, &contents, DIGIT), expected);
    }
}

/// The window is what is held in memory while a frame is unpacked.
#[test]
fn a_huge_window_is_refused() {
    // No size of the contents; 2^31 bytes of window; an empty last block.
    let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 21 << 3, 0x01, 0x00, 0x00];
    let expected = "ROOT needs a window of 2048 MiB to be unpacked, at most 128 MiB are given: pack it \
                    without `--long`; unpack it into a folder and name that, if these are your data";
    assert_eq!(refused("d.tar.zst", &frame, COLOUR), expected);
}

/// A header of 60,000x60,000 pixels, and no more.
#[test]
fn images_that_become_too_large_are_refused() {
    let chunk = |kind: &[u8; 4], data: &[u8]| -> Vec<u8> {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        [&(data.len() as u32).to_be_bytes()[..], kind, data, &crc.sum().to_be_bytes()].concat()
    };
    let side = 60_000_u32.to_be_bytes();
    let header = chunk(b"IHDR", &[&side[..], &side, &[8, 2, 0, 0, 0]].concat());
    let file = [b"\x89PNG\r\n\x1a\n", &header[..], &chunk(b"IDAT", b"x"), &chunk(b"IEND", b"")].concat();
    let mut jpeg = encode(COLOUR, &pixels(COLOUR, 1), image::ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xEA, 0x60, 0xEA, 0x60]);
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &with(small(), &[("train/ant/x.png", &file), ("train/ant/y.jpg", &jpeg)]));
    let large = std::fs::File::create(folder.path().join("train/ant/z.png")).unwrap();
    large.set_len(65 << 20).unwrap();
    let config = DatasetConfig { resize: true, ..DatasetConfig::new(folder.path()) };
    let said = load(&config).unwrap_err().to_string();
    for expected in [
        ": 3 of 9 images cannot be read: train/ant/x.png (its 60000x60000 pixels are 10299 MiB, at most 192 \
         MiB are decoded)",
        "train/ant/y.jpg (its 60000x60000 pixels are 10299 MiB, at most 192 MiB are decoded)",
        "train/ant/z.png (it has 65 MiB, the file of an image may have 64 MiB)",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    // Without `resize` they only have the wrong size.
    let said = load(&DatasetConfig::new(folder.path())).unwrap_err().to_string();
    assert!(said.contains("train/ant/x.png is 60000x60000"), "{said}");
}

/// Many small images of one colour become many large ones.
#[test]
fn archives_whose_images_fill_the_memory_are_refused() {
    let dot = png(Shape { height: 1, width: 1, channels: 3 }, 1);
    let files: Files =
        (0..60).map(|at| (format!("{}/{at}.png", ["ant", "bee"][at % 2]), dot.clone())).collect();
    let folder = TempDir::new().unwrap();
    let path = write_file(folder.path(), "d.tar.gz", &gzip(&tar(&files)));
    let config = DatasetConfig { resize: true, ..DatasetConfig::new(&path) };
    let shape = Shape { height: 3000, width: 3000, channels: 3 };
    let said = Dataset::load(&config, shape, 2, &mut ()).unwrap_err().to_string();
    let expected = "has 60 images, which become more than 1024 MiB and 1000 times its size as images of \
                    3000x3000x3; unpack it, or scale the images yourself, if these are your data";
    assert!(said.ends_with(expected), "{said}");
    // Single pixels become whole images.
    let count = 400_000;
    let files: Files = vec![
        ("x.npy".to_string(), npy(&format!("{count}, 1, 1"), &vec![0; count])),
        ("y.npy".to_string(), npy(&format!("{count},"), &vec![0; count])),
    ];
    let path = write_file(folder.path(), "d.npz", &zip(&files));
    let config = DatasetConfig { resize: true, ..DatasetConfig::new(&path) };
    let shape = Shape { height: 32, width: 32, channels: 3 };
    let said = Dataset::load(&config, shape, 2, &mut ()).unwrap_err().to_string();
    let expected =
        " has 400000 images, which become more than 1024 MiB and 1000 times its size as images of 32x32x3; ";
    assert!(said.contains(expected), "{said}");
}

/// More than 64 MiB, as CIFAR-10's images in NPZ or those of EMNIST: not refused.
#[test]
fn large_arrays_are_read() {
    let shape = Shape { height: 32, width: 32, channels: 3 };
    let count = (70 << 20) / shape.elements();
    let labels: Vec<u8> = (0..count).map(|at| (at % 2) as u8).collect();
    let images: Vec<u8> = (0..count * shape.elements()).map(|at| (at / 7 + at / 1000) as u8).collect();
    let arrays = [
        ("x.npy", npy(&format!("{count}, 32, 32, 3"), &images)),
        ("y.npy", npy(&format!("{count},"), &labels)),
    ];
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    // As numpy.savez does.
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, contents) in &arrays {
        archive.start_file(*name, stored).unwrap();
        archive.write_all(contents).unwrap();
    }
    let given = Given::file("d.npz", &archive.finish().unwrap().into_inner());
    let dataset = given.load(shape, 2, &mut ()).unwrap();
    assert_eq!(dataset.train.len() + dataset.test.len(), count);
    assert_eq!(dataset.train.image(0), &images[..shape.elements()]);
}
