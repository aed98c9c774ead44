//! IDX, with bytes put together here.

use mixq_build::engine::graph::Shape;
use proptest::prelude::*;

use crate::files::gzip;
use crate::given::{DIGIT, Given};
use crate::written::*;

fn idx(sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    file.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    file.extend(elements);
    file
}

fn mnist(train: usize, test: usize) -> Files {
    let part = |name: &str, count: usize, from: usize| {
        let images: Vec<u8> = (0..count).flat_map(|at| pixels(DIGIT, from + at)).collect();
        let labels: Vec<u8> = (0..count).map(|at| (at % 4) as u8).collect();
        [
            (format!("{name}-images-idx3-ubyte"), idx(&[count as u32, 3, 2], &images)),
            (format!("{name}-labels-idx1-ubyte"), idx(&[count as u32], &labels)),
        ]
    };
    part("train", train, 0).into_iter().chain(part("t10k", test, 1000)).collect()
}

fn packed(files: Files) -> Files {
    files.into_iter().map(|(name, contents)| (name + ".gz", gzip(&contents))).collect()
}

#[test]
fn the_files_of_mnist() {
    let files = mnist(12, 5);
    let dotted = files.iter().map(|(name, file)| (name.replace("-idx", ".idx"), file.clone())).collect();
    let around =
        packed(files.clone()).into_iter().map(|(name, file)| (format!("MNIST/raw/{name}"), file)).collect();
    for given in [
        Given::folder(&files),
        Given::folder(&packed(files.clone())),
        Given::folder(&dotted),
        Given::folder(&around),
        Given::file("mnist.zip", &zip(&files)),
    ] {
        let dataset = given.load(DIGIT, 4, &mut ()).unwrap();
        assert_eq!((dataset.train.len(), dataset.test.len()), (12, 5));
        assert_eq!(dataset.train.image(7), pixels(DIGIT, 7));
        assert_eq!(dataset.test.image(4), pixels(DIGIT, 1004));
        assert_eq!(
            (&dataset.train.targets.labels()[..5], dataset.test.targets.labels()[3]),
            (&[0, 1, 2, 3, 0][..], 3)
        );
    }
    // Without a test part the end of each class is cut off.
    let dataset = Given::folder(&files[..2].to_vec()).load(DIGIT, 4, &mut ()).unwrap();
    assert_eq!((dataset.train.len(), &dataset.test.targets.labels()[..]), (8, &[0, 1, 2, 3][..]));
    // A grey image in three channels.
    let coloured = Given::folder(&files).load(Shape { channels: 3, ..DIGIT }, 4, &mut ()).unwrap();
    let tripled: Vec<u8> = pixels(DIGIT, 7).iter().flat_map(|pixel| [*pixel; 3]).collect();
    assert_eq!(coloured.train.image(7), tripled);
}

#[test]
fn damaged_mnist() {
    let files = mnist(12, 5);
    let (images, labels) = (files[0].1.clone(), files[1].1.clone());
    let names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
    let refused = |name: &str, contents: &[u8]| {
        Given::folder(&with(files.clone(), &[(name, contents)])).refused(DIGIT, 4)
    };
    let again = "copy or download it again";
    let of = |bytes: usize| format!("ROOT: {} is truncated: it has {bytes} of 72 bytes; {again}", names[0]);
    assert_eq!(refused(names[0], &images[..images.len() - 1]), of(71));
    assert_eq!(
        refused(names[0], &images[..7]),
        format!("ROOT: {} is truncated: it has 7 bytes; {again}", names[0])
    );
    let more = [&images[..], b"x"].concat();
    let expected =
        format!("ROOT: {} has 73 bytes, which are not those of its sizes [12, 3, 2]; {again}", names[0]);
    assert_eq!(refused(names[0], &more), expected);
    let floats = [&[0, 0, 13, 3], &images[4..]].concat();
    let expected = format!(
        "ROOT: {} begins with [00, 00, 0d, 03], but [00, 00, 08, 03] was expected: unsigned bytes in 3 \
         dimensions; {again}",
        names[0]
    );
    assert_eq!(refused(names[0], &floats), expected);
    let huge = idx(&[u32::MAX, u32::MAX, u32::MAX], b"");
    assert!(refused(names[0], &huge).contains("not those of its sizes"));
    let expected = format!("ROOT: {} has 12 images, but {} has 11 labels", names[0], names[1]);
    assert_eq!(refused(names[1], &idx(&[11], &labels[8..19])), expected);
    let expected =
        format!("ROOT: image 3 of {}: label 3 is out of range: the network has 3 classes, 0 to 2", names[0]);
    assert_eq!(Given::folder(&files).refused(DIGIT, 3), expected);
    let mut zipped = packed(files.clone());
    zipped[0].1.truncate(30);
    let expected = format!("ROOT: {}.gz is truncated: its gzip data ends early; {again}", names[0]);
    assert_eq!(Given::folder(&zipped).refused(DIGIT, 4), expected);
    let two: Files = files.iter().chain(&packed(files.clone())[..1]).cloned().collect();
    let expected =
        format!("ROOT has two files for one train part: {0} and {0}.gz; remove one of them", names[0]);
    assert_eq!(Given::folder(&two).refused(DIGIT, 4), expected);
    let expected = "ROOT has train-images-idx3-ubyte, but no labels for it; labels are in a file of the \
                    same name with labels-idx1-ubyte; images without labels are for training = \"none\" or \
                    \"finetune\" of trained weights";
    assert_eq!(Given::folder(&files[..1].to_vec()).refused(DIGIT, 4), expected);
    let expected = "ROOT has no train-images-idx3-ubyte, only t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte";
    assert_eq!(Given::folder(&files[2..].to_vec()).refused(DIGIT, 4), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_it_panic(contents: Vec<u8>, at: prop::sample::Index, value: u8) {
        let files = mnist(12, 5);
        let damaged = with(files.clone(), &[("train-images-idx3-ubyte", &contents)]);
        prop_assert!(Given::folder(&damaged).load(DIGIT, 4, &mut ()).is_err());
        let mut labels = files[1].1.clone();
        let at = at.index(labels.len());
        labels[at] = value;
        let _ = Given::folder(&with(files, &[("train-labels-idx1-ubyte", &labels)])).load(DIGIT, 4, &mut ());
    }
}
