//! What is said of masks that do not fit their images or the network.

use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::Dataset;
use png::{BitDepth, ColorType};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::masks::*;
use crate::written::{Files, with, write_folder};

/// What is said of files, for three classes.
fn refused(files: &Files) -> Vec<String> {
    let error = read_for(files, [2, 4], |config| config).0.unwrap_err().to_string();
    error.lines().map(String::from).collect()
}

#[test]
fn values_may_be_named() {
    let files = small().into_iter().map(|(name, contents)| match name.contains("masks") {
        // As the trimaps of Oxford's pets are: 1 to 3.
        true => (name, mask([1, 1, 2, 3, 3, 2, 1, 9])),
        false => (name, contents),
    });
    let files: Files = files.collect();
    let named = |values: &[u8]| {
        let values = Some(values.to_vec());
        read_for(&files, [2, 4], |config| DatasetConfig { mask_values: values.clone(), ..config })
    };
    let (dataset, warnings) = named(&[2, 1, 3]);
    assert_eq!(dataset.unwrap().train.targets.get(0), [1, 1, 0, 2, 2, 0, 1, 255]);
    let expected = "ROOT: pixels do not count whose value `mask-values` does not name: 9 (in 4 of 4 masks)";
    assert_eq!(warnings, [expected]);
    let said = named(&[1, 2]).0.unwrap_err().to_string();
    assert!(said.contains("`mask-values` has 2 values, but the network has 3 classes"), "{said}");
    let said = refused(&files);
    let expected = "ROOT: 4 of 4 masks have values that are not one of the network's 3 classes: \
                    test/masks/0.png has 3, 9, test/masks/1.png has 3, 9, train/masks/0.png has 3, 9, \
                    train/masks/1.png has 3, 9; classes are 0 to 2, and 255 does not count; mask-values = \
                    [1, 2, 3] in the dataset's table names other values for them, in the order of the \
                    outputs";
    assert_eq!(said, [expected]);
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &files);
    let other = DatasetConfig { mask_values: Some(vec![1, 2]), ..DatasetConfig::new(folder.path()) };
    let said = Dataset::load(&other, INPUT, 2, &mut ()).unwrap_err().to_string();
    assert!(said.contains("`mask-values` is for task = \"dense\""), "{said}");
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let mut files = with(
        small(),
        &[
            ("train/images/a.png", &image(7)),
            ("train/masks/b.png", &mask(FIRST)),
            ("train/images/c.png", &image(8)),
            ("train/masks/c.png", &grey(2, 4, &FIRST)),
            ("train/images/d.png", &image(9)),
            ("train/masks/d.png", b"GIF89a"),
            ("train/images/e.png", &image(5)),
            ("train/masks/e.gif", b"GIF89a"),
            ("train/masks/1.png", &mask([0, 1, 2, 3, 4, 0, 0, 0])),
        ],
    );
    let rgb = file(ColorType::Rgb, BitDepth::Eight, 4, 2, &(0..24).collect::<Vec<u8>>());
    files = with(files, &[("test/masks/1.png", &rgb)]);
    let said = refused(&files);
    let left = "or set `tolerate`, the share of images that may be left out, now 0";
    let expected = [
        "ROOT: 1 of 7 masks have no image: train/masks/b.png; add images of the same name, or remove the \
         masks"
            .to_string(),
        format!(
            "ROOT: 1 of 8 images cannot be read, or their masks: train/masks/d.png (it is not a PNG file: \
             other kinds do not keep each value of a mask); repair or remove them, {left}"
        ),
        format!(
            "ROOT: 2 of 8 images have no mask of their name: train/images/a.png, train/images/e.png \
             (train/masks/e.gif is not a PNG file); add masks, or remove the images, {left}"
        ),
        "ROOT: 1 of 5 masks are not of their images' size: train/masks/c.png is 4x2 for an image of 2x4; a \
         mask has the size of its image, height x width, or of the output, 2x4"
            .to_string(),
        "ROOT: 1 of 5 masks are in colour, such as test/masks/1.png; their colours are [0, 1, 2] (in 1 of 5 \
         masks), [3, 4, 5] (in 1 of 5 masks), [6, 7, 8] (in 1 of 5 masks), [9, 10, 11] (in 1 of 5 masks), \
         [12, 13, 14] (in 1 of 5 masks), [15, 16, 17] (in 1 of 5 masks), [18, 19, 20] (in 1 of 5 masks), \
         [21, 22, 23] (in 1 of 5 masks); mask-colours = [[0, 0, 0], [255, 0, 0], ...] in the dataset's table \
         names the colour of each of the 3 classes, in the order of the outputs"
            .to_string(),
        "ROOT: 1 of 5 masks have values that are not one of the network's 3 classes: train/masks/1.png has \
         3, 4; classes are 0 to 2, and 255 does not count; mask-values = [1, 2, 3] in the dataset's table \
         names other values for them, in the order of the outputs"
            .to_string(),
    ];
    assert_eq!(said, expected);
}

#[test]
fn images_without_masks_may_be_left_out() {
    let files = with(small(), &[("train/images/a.png", &image(7))]);
    let tolerate = |tolerate| read_for(&files, [2, 4], |config| DatasetConfig { tolerate, ..config });
    assert!(tolerate(0.19).0.is_err());
    let (dataset, warnings) = tolerate(0.2);
    expect(&dataset.unwrap());
    assert_eq!(warnings, ["ROOT: 1 of 5 images have no mask of their name: train/images/a.png; left out"]);
}

#[test]
fn what_belongs_to_nothing() {
    // Parts and numbers of things that are not used.
    let files = with(
        layout([
            ["JPEGImages/train", "SegmentationClass/train/*.png"],
            ["JPEGImages/test", "SegmentationClass/test/*.png"],
        ]),
        &[
            ("SegmentationObject/train/0.png", &mask(FIRST)),
            ("JPEGImages/val/9.png", &image(1)),
            ("SegmentationClass/val/9.png", &mask(FIRST)),
        ],
    );
    let (dataset, warnings) = read_for(&files, [2, 4], |config| config);
    expect(&dataset.unwrap());
    let expected = [
        "ROOT: the 1 images in folders of instances are not used",
        "ROOT: the 1 images beside the training and the test part are not used",
    ];
    assert_eq!(warnings, expected);
    // Two candidates.
    let twice = with(small(), &[("train/labels/0.png", &mask(FIRST))]);
    let said = refused(&twice);
    let expected = "1 files have more than one image or mask: train/images/0.png (train/labels/0.png and \
                    train/masks/0.png)";
    assert!(said[0].contains(expected), "{said:?}");
    // No masks at all, and no images.
    let files: Files = small().into_iter().filter(|(name, _)| name.contains("images")).collect();
    let said = refused(&files);
    assert!(
        said[0].starts_with("ROOT has 4 images, but no masks, which task = \"dense\" wants; it holds "),
        "{said:?}"
    );
    let files: Files = small().into_iter().filter(|(name, _)| name.contains("masks")).collect();
    assert!(refused(&files)[0].starts_with("ROOT: 4 of 4 masks have no image: "));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A damaged byte may go unnoticed, or be found; a mask that is cut off is found.
    #[test]
    fn damaged_masks_do_not_panic(at: prop::sample::Index, value: u8, cut: prop::sample::Index) {
        let whole = mask(FIRST);
        let mut damaged = whole.clone();
        damaged[at.index(whole.len())] = value;
        let _ = read_for(&with(small(), &[("train/masks/0.png", &damaged)]), [2, 4], |config| config);
        // After the values only the end mark follows.
        let cut = &whole[..cut.index(whole.len() - 16)];
        let said = refused(&with(small(), &[("train/masks/0.png", cut)]));
        prop_assert!(said[0].starts_with("ROOT: 1 of 4 images cannot be read, or their masks: "), "{said:?}");
    }
}
