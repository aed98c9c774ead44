//! What all targets of datasets share: two ways of reading one, and what must hold of what is read.

use std::fs;
use std::path::Path;

use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::graph::Shape;

use super::messages::refused;
use crate::Verdict;

/// As strict as it can be, and with images scaled and some tolerated; accepted if either accepts.
pub(super) fn read(path: &Path, shapes: [Shape; 2], classes: usize) -> Verdict {
    read_tolerantly(path, shapes, classes, 0.5)
}

/// As [`read`], with this share of tolerated images.
pub(super) fn read_tolerantly(path: &Path, shapes: [Shape; 2], classes: usize, tolerate: f64) -> Verdict {
    let strict = DatasetConfig::new(path);
    let lenient = DatasetConfig { resize: true, tolerate, ..DatasetConfig::new(path) };
    let verdicts = [load(&strict, shapes[0], classes), load(&lenient, shapes[1], classes)];
    if verdicts.contains(&Verdict::Accepted) { Verdict::Accepted } else { Verdict::Refused }
}

/// Reads a dataset twice. Panics if what is read is not what a training may rely on.
pub(super) fn load(config: &DatasetConfig, shape: Shape, classes: usize) -> Verdict {
    let dataset = match Dataset::load(config, shape, classes, &mut ()) {
        Ok(dataset) => dataset,
        Err(error) => return refused(&error),
    };
    check(&dataset, shape, classes);
    let again = Dataset::load(config, shape, classes, &mut ());
    assert!(again.is_ok_and(|again| again == dataset), "read again, the dataset is another one");
    Verdict::Accepted
}

/// Panics if a dataset is not whole.
pub(super) fn check(dataset: &Dataset, shape: Shape, classes: usize) {
    assert_eq!(
        (dataset.inputs[0].shape, dataset.outputs, dataset.labels.len()),
        (shape, classes, classes),
        "shape, classes"
    );
    for part in [&dataset.train, &dataset.test] {
        assert!(!part.is_empty(), "a part is empty");
        assert_eq!(part.pixels.len(), part.len() * shape.elements(), "pixels and labels differ in number");
        assert!(
            part.targets.labels().iter().all(|label| usize::from(*label) < classes),
            "a label of no class"
        );
    }
    let mut missing = 0..classes;
    let trained =
        |class: usize| dataset.train.targets.labels().iter().any(|label| usize::from(*label) == class);
    assert!(missing.all(trained), "a class has no image to train with");
}

/// Grey and coloured images of 4x4 pixels.
pub(super) const SMALL: [Shape; 2] =
    [Shape { height: 4, width: 4, channels: 1 }, Shape { height: 4, width: 4, channels: 3 }];

/// Writes a case as one file of this name, and reads it.
pub(super) fn read_file(case: &[u8], scratch: &Path, name: &str) -> Verdict {
    let path = scratch.join(name);
    fs::write(&path, case).expect("the scratch folder can be written to");
    read(&path, SMALL, 3)
}
