//! Every message about folders and archives of images.

use image::ImageFormat;
use mixq_build::engine::config::{DatasetConfig, TestPart};
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::graph::Shape;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::files::gzip;
use crate::written::*;

fn same(config: DatasetConfig) -> DatasetConfig {
    config
}

/// What is said of an archive; `FILE` stands for its path.
fn refused_file(name: &str, contents: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    let path = write_file(folder.path(), name, contents);
    let error = load(&DatasetConfig::new(&path)).expect_err("an error");
    error.to_string().replace(&path.display().to_string(), "FILE")
}

#[test]
fn unreadable_images_are_counted_and_named() {
    let whole = png(COLOUR, 0);
    let jpeg = encode(COLOUR, &pixels(COLOUR, 1), ImageFormat::Jpeg);
    let gif = b"GIF89a\x01\0\x01\0\0\0\0;";
    let changes: [(&str, &[u8]); 5] = [
        ("train/ant/a.png", &whole[..whole.len() - 20]),
        ("train/ant/b.jpg", &jpeg[..jpeg.len() - 9]),
        ("train/ant/c.jpg", b""),
        ("train/bee/d.png", gif),
        ("test/bee/notes.txt", b"x"),
    ];
    let found = refused(&with(small(), &changes), same);
    let [message] = &found[..] else { panic!("{found:?}") };
    let start = "ROOT: 5 of 10 images cannot be read: train/ant/a.png (";
    assert!(message.starts_with(start), "{message}");
    for named in [
        "train/ant/b.jpg (it is truncated), train/ant/c.jpg (it is empty)",
        "train/bee/d.png (it is neither JPEG nor PNG), test/bee/notes.txt (it is called neither .jpg, .jpeg \
         nor .png)",
        "; repair or remove them, or set `tolerate`, the share of images that may be left out, now 0",
    ] {
        assert!(message.contains(named), "{message}");
    }
    let many: Vec<String> = (0..9).map(|index| format!("train/ant/{index}.png")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let found = refused(&with(small(), &many), same);
    assert!(found[0].starts_with("ROOT: 9 of 15 images cannot be read: "), "{found:?}");
    assert!(found[0].contains("train/ant/4.png (it is empty) and 4 more; "), "{found:?}");
}

#[test]
fn a_share_of_unreadable_images_may_be_left_out() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &with(small(), &[("train/ant/0.png", b"")]));
    // One of seven.
    let tolerate = |tolerate| DatasetConfig { tolerate, ..DatasetConfig::new(folder.path()) };
    assert!(load(&tolerate(0.14)).is_err());
    let mut heard = Heard::default();
    let dataset = Dataset::load(&tolerate(0.15), COLOUR, 2, &mut heard).unwrap();
    assert_eq!(dataset.train.targets.labels(), [0, 0, 1, 1]);
    assert_eq!(dataset.train.image(0), pixels(COLOUR, 0));
    let path = folder.path().display();
    let expected = format!("{path}: 1 of 7 images cannot be read: train/ant/0.png (it is empty); left out");
    assert_eq!(heard.warnings, [expected]);
}

#[test]
fn a_part_without_readable_images_is_refused() {
    let broken: [(&str, &[u8]); 2] = [("test/ant/a.png", b""), ("test/bee/0.png", b"")];
    let files = with(small(), &broken);
    assert_eq!(files.len(), small().len(), "the test part has other images");
    let expected = "ROOT: the test part has no images that can be read; repair its images, or remove them \
                    with their folders";
    assert_eq!(refused(&files, |config| DatasetConfig { tolerate: 0.5, ..config }), [expected]);
}

#[test]
fn mixed_sizes() {
    let other = Shape { height: 5, ..COLOUR };
    let changes = [("train/bee/c.png", png(other, 1)), ("test/ant/x.png", png(other, 2))];
    let changes: Vec<(&str, &[u8])> = changes.iter().map(|(name, file)| (*name, &file[..])).collect();
    let files = with(small(), &changes);
    let help = "`resize = true` in the dataset's table scales images; sizes are height x width";
    let expected = format!(
        "ROOT: 2 of 7 images are not 2x3, as the network wants them: train/bee/c.png is 5x3, test/ant/x.png \
         is 5x3; {help}"
    );
    assert_eq!(refused(&files, same), [expected]);
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files);
    let config = DatasetConfig { resize: true, ..DatasetConfig::new(folder.path()) };
    assert_eq!(load(&config).unwrap().train.len(), 4);
}

#[test]
fn classes_that_do_not_match() {
    let changes: [(&str, &[u8]); 2] = [("train/cow/", b""), ("test/dog/a.png", &png(COLOUR, 9))];
    let expected = [
        "ROOT: the training part has no `dog`, which the test part has; it needs a folder for each class",
        "ROOT has 3 classes (ant, bee, cow), but the network has 2; the network's last layer must have one \
         output for each class",
        "ROOT has no images in the folder of `cow`; add images, or remove the folder",
    ];
    assert_eq!(refused(&with(small(), &changes), same), expected);
    let labels = |labels: [&str; 2]| labels.map(String::from).to_vec();
    let other = |config| DatasetConfig { labels: Some(labels(["bee", "ant"])), ..config };
    let expected = "ROOT has its classes in the order ant, bee, but `labels` in another; leave `labels` \
                    out: the dataset names its classes";
    assert_eq!(refused(&small(), other), [expected]);
    // Names of one's own are welcome.
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &small());
    let config = DatasetConfig { labels: Some(labels(["x", "y"])), ..DatasetConfig::new(folder.path()) };
    assert_eq!(load(&config).unwrap().labels, ["x", "y"]);
}

#[test]
fn empty_folders() {
    let expected =
        "ROOT has no images in the folder of `ant` of the test part; add images, or remove the folder";
    let files: Files = small().into_iter().filter(|(name, _)| name != "test/ant/a.png").collect();
    assert_eq!(refused(&with(files, &[("test/ant/", b"")]), same), [expected]);
    let missing = refused(
        &small()
            .into_iter()
            .filter(|(name, _)| !name.starts_with("test"))
            .chain([("test/".to_string(), vec![])])
            .collect(),
        same,
    );
    assert_eq!(
        missing[0],
        "ROOT: the test part has no images; it needs images in folders of classes, or remove its folder"
    );
    let help =
        "wanted are JPEG, PNG, CSV or WAV files in a folder for each class, CIFAR binary files or IDX files";
    assert_eq!(refused(&Vec::new(), same), [format!("ROOT has no images: it is empty; {help}")]);
    let expected = format!("ROOT has no images: it holds a/b.gif; {help}");
    assert_eq!(refused(&with(Vec::new(), &[("a/b.gif", b"x")]), same), [expected]);
}

#[test]
fn images_in_no_folder_of_a_class() {
    let stray = png(COLOUR, 7);
    let expected = "ROOT has images in no folder of a class: train/stray.png; move them into the folder of \
         their class, or out of the dataset";
    assert_eq!(refused(&with(small(), &[("train/stray.png", &stray)]), same), [expected]);
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &with(small(), &[("val/ant/1.png", &stray), ("val/bee/1.png", &stray)]));
    let mut heard = Heard::default();
    Dataset::load(&DatasetConfig::new(folder.path()), COLOUR, 2, &mut heard).unwrap();
    let expected = format!("{}: the 2 images in `val` are not used", folder.path().display());
    assert_eq!(heard.warnings, [expected]);
}

#[test]
fn a_test_part_of_its_own_leaves_nothing_to_choose() {
    let test = |config| DatasetConfig { test: Some(TestPart::Rows(2)), ..config };
    let expected = "ROOT has a test part of its own; leave `test` out of the dataset's table";
    assert_eq!(refused(&small(), test), [expected]);
}

#[test]
fn other_numbers_of_channels() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &small());
    let shape = Shape { channels: 2, ..COLOUR };
    let error = Dataset::load(&DatasetConfig::new(folder.path()), shape, 2, &mut ()).unwrap_err().to_string();
    let start = "the network wants images of 2 channels, but those of ";
    assert!(error.starts_with(start) && error.contains(" have 1 or 3; give the network's input"), "{error}");
}

#[test]
fn pixels_over_the_maximum() {
    let max = |config| DatasetConfig { max: 100, ..config };
    let over = (0..6).flat_map(|seed| pixels(COLOUR, seed)).filter(|pixel| *pixel > 100).count();
    let expected = format!(
        "ROOT: {over} of 108 pixels are over 100; `max` in the dataset's table is the largest value of \
         a pixel"
    );
    assert_eq!(refused(&small(), max), [expected]);
}

/// Wherever the download stopped.
#[test]
fn archives_that_end_early() {
    let packed = tar(&small());
    let truncated = "FILE is truncated: its data ends early; copy or download the file again";
    // In the middle of a file, at the end of one, and before the mark at the end.
    for length in [300, 512, packed.len() / 2, packed.len() - 1024, packed.len() - 1400] {
        assert_eq!(refused_file("d.tar", &packed[..length]), truncated, "{length}");
        assert_eq!(refused_file("d.tar.zst", &zstd(&packed[..length])), truncated, "{length}");
    }
    assert_eq!(refused_file("d.tar", b""), truncated);
    for (name, whole) in [("d.tar.gz", gzip(&packed)), ("d.tar.zst", zstd(&packed))] {
        for length in [1, 10, whole.len() / 2, whole.len() - 1] {
            assert_eq!(refused_file(name, &whole[..length]), truncated, "{name} {length}");
        }
    }
    let whole = zip(&small());
    for length in [0, 10, whole.len() / 2, whole.len() - 1] {
        let message = refused_file("d.zip", &whole[..length]);
        let expected = "FILE is truncated, or no ZIP file: its directory, which is at the end, is missing; \
                        copy or download the file again";
        assert_eq!(message, expected, "{length}");
    }
}

#[test]
fn archives_that_are_none() {
    let page = b"<html><body>Not found</body></html>".repeat(40);
    for name in ["d.tar", "d.tar.gz", "d.tar.zst"] {
        let message = refused_file(name, &page);
        assert!(message.starts_with("FILE is damaged, or no such archive: "), "{message}");
        assert!(message.ends_with("; copy or download the file again"), "{message}");
    }
    // Checksums.
    let mut flipped = gzip(&tar(&small()));
    let crc = flipped.len() - 8;
    flipped[crc] ^= 1;
    assert!(refused_file("d.tar.gz", &flipped).starts_with("FILE is damaged, or no such archive: "));
    let mut flipped = zstd(&tar(&small()));
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let message = refused_file("d.tar.zst", &flipped);
    assert_eq!(
        message,
        "FILE is damaged, or no such archive: its checksum is wrong; copy or download the file again"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A damaged byte may go unnoticed, or be found; nothing panics, and a truncated image never passes.
    #[test]
    fn damaged_files_do_not_panic(
        at: prop::sample::Index,
        value: u8,
        cut: prop::sample::Index,
        jpeg: bool,
        kind in 0..4,
    ) {
        let shape = Shape { height: 16, width: 16, channels: 3 };
        let format = if jpeg { ImageFormat::Jpeg } else { ImageFormat::Png };
        let whole = encode(shape, &pixels(shape, 3), format);
        let files = |image: &[u8]| with(small(), &[("train/ant/x.png", image)]);
        // After the pixels of a PNG only its end mark follows, which changes nothing.
        let most = if jpeg { whole.len() } else { whole.len() - 20 };
        let resized = |config| DatasetConfig { resize: true, ..config };
        let truncated = refused(&files(&whole[..cut.index(most)]), resized);
        prop_assert!(truncated[0].starts_with("ROOT: 1 of 7 images cannot be read: train/ant/x.png \
                                               ("), "{truncated:?}");
        let mut damaged = whole.clone();
        damaged[at.index(whole.len())] = value;
        let folder = TempDir::new().unwrap();
        write_folder(folder.path(), &files(&damaged));
        let _ = load(&DatasetConfig { resize: true, ..DatasetConfig::new(folder.path()) });
        let packed = tar(&small());
        let (name, mut packed) = match kind {
            0 => ("d.tar", packed),
            1 => ("d.tar.gz", gzip(&packed)),
            2 => ("d.tar.zst", zstd(&packed)),
            _ => ("d.zip", zip(&small())),
        };
        let place = at.index(packed.len());
        packed[place] = value;
        let _ = load(&DatasetConfig::new(write_file(folder.path(), name, &packed)));
        packed.truncate(cut.index(packed.len()));
        let result = load(&DatasetConfig::new(write_file(folder.path(), name, &packed)));
        prop_assert!(result.is_err() || name == "d.tar");
    }
}
