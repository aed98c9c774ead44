//! CIFAR, with bytes put together here.

use mixq_build::engine::graph::Shape;

use crate::files::gzip;
use crate::given::{DIGIT, Given};
use crate::written::*;

const CIFAR: Shape = Shape { height: 32, width: 32, channels: 3 };

/// Channel after channel, as the files have it.
fn planes(pixels: &[u8]) -> Vec<u8> {
    (0..3).flat_map(|channel| pixels.iter().skip(channel).step_by(3).copied()).collect()
}

fn cifar10(records: usize) -> Files {
    let mut files = Files::new();
    for (file, name) in ["1", "2", "3", "4", "5", ""].into_iter().enumerate() {
        let name =
            if name.is_empty() { "test_batch.bin".to_string() } else { format!("data_batch_{name}.bin") };
        let record = |at: usize| [vec![(at % 10) as u8], planes(&pixels(CIFAR, 1000 * file + at))].concat();
        files.push((format!("cifar-10-batches-bin/{name}"), (0..records).flat_map(record).collect()));
    }
    let names: Vec<String> = (0..10).map(|class| format!("thing {class}\n")).collect();
    files.push(("cifar-10-batches-bin/batches.meta.txt".to_string(), (names.concat() + "\n").into_bytes()));
    files.push(("cifar-10-batches-bin/readme.html".to_string(), b"<html>".to_vec()));
    files
}

#[test]
fn cifar_10() {
    let files = cifar10(20);
    for given in [Given::folder(&files), Given::file("cifar-10-binary.tar.gz", &gzip(&tar(&files)))] {
        let dataset = given.load(CIFAR, 10, &mut ()).unwrap();
        assert_eq!((dataset.train.len(), dataset.test.len()), (100, 20));
        assert_eq!(dataset.labels[3], "thing 3");
        for at in 0..100 {
            assert_eq!(dataset.train.image(at), pixels(CIFAR, 1000 * (at / 20) + at % 20));
            assert_eq!(dataset.train.targets.labels()[at], (at % 20 % 10) as u16);
        }
        assert_eq!(dataset.test.image(7), pixels(CIFAR, 5007));
    }
    let bare: Files = files.into_iter().filter(|(name, _)| name.ends_with(".bin")).collect();
    assert_eq!(Given::folder(&bare).load(CIFAR, 10, &mut ()).unwrap().labels[3], "3");
}

#[test]
fn cifar_100_has_classes_and_superclasses() {
    let record = |at: usize| [vec![(at % 20) as u8, (at % 100) as u8], planes(&pixels(CIFAR, at))].concat();
    let file: Vec<u8> = (0..200).flat_map(record).collect();
    let given = Given::folder(&with(Vec::new(), &[("train.bin", &file), ("test.bin", &file[..2 * 3074])]));
    let fine = given.load(CIFAR, 100, &mut ()).unwrap();
    assert_eq!((fine.train.targets.labels()[137], fine.test.len()), (37, 2));
    let coarse = given.load(CIFAR, 20, &mut ()).unwrap();
    assert_eq!((coarse.train.targets.labels()[137], &coarse.train.pixels), (17, &fine.train.pixels));
    let message = given.refused(CIFAR, 10);
    assert!(
        message.starts_with("ROOT has 100 classes (0, 1, 2, 3, 4 and 95 more), but the network has 10; ")
    );
}

#[test]
fn damaged_cifar() {
    let files = cifar10(10);
    let (name, third) = files[2].clone();
    let refused =
        |contents: &[u8]| Given::folder(&with(files.clone(), &[(&name, contents)])).refused(CIFAR, 10);
    let expected = "ROOT: data_batch_3.bin has 30729 bytes, which is not a multiple of the 3073 of an image; \
                    copy or download it again";
    assert_eq!(refused(&third[..30729]), expected);
    let label = [&third[..3073], &[10], &third[3074..]].concat();
    let expected =
        "ROOT: image 1 of data_batch_3.bin: label 10 is out of range: the network has 10 classes, 0 to 9";
    assert_eq!(refused(&label), expected);
    let fewer: Files = files.iter().filter(|(other, _)| *other != name).cloned().collect();
    let expected = "ROOT looks like CIFAR-10, but has no data_batch_3.bin; fetch the binary version of the \
                    dataset again";
    assert_eq!(Given::folder(&fewer).refused(CIFAR, 10), expected);
    let expected = "the images of ROOT are 32x32, but the network wants 3x2; `resize = true` in the \
                    dataset's table scales images; sizes are height x width";
    assert_eq!(Given::folder(&files).refused(Shape { channels: 3, ..DIGIT }, 10), expected);
}

#[test]
fn what_is_beside_the_files() {
    let image = png(COLOUR, 1);
    let mut heard = Heard::default();
    let given = Given::folder(&with(cifar10(10), &[("preview.png", &image)]));
    assert_eq!(given.load(CIFAR, 10, &mut heard).unwrap().test.len(), 10);
    let path = given.path.display();
    assert_eq!(heard.warnings, [format!("{path}: beside CIFAR files, 1 images are not used")]);
    let twice = with(cifar10(10), &[("copy/test_batch.bin", b"x")]);
    let expected = "ROOT has two files that are called test_batch.bin; name the folder of one dataset";
    assert_eq!(Given::folder(&twice).refused(CIFAR, 10), expected);
}
