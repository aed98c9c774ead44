//! Test images for firmware that measures itself.

use mixq_format::{Bits, pack_codes};

use crate::artifact::{self, Fingerprint};
use crate::config::Model;
use crate::dataset::{self, Dataset, Measure, Split, labelled, measure_artifact};
use crate::error::{Error, Problem, unknown};
use crate::graph::Input;
use crate::prepare::Prepared;
use crate::task::rules;

use super::environment::{Environment, Warnings, rerun, variable};
use super::spread;

/// Writes images and labels of a model into `OUT_DIR`, as [`test_images`](super::test_images) says.
pub(super) fn write(environment: &Environment, model: &str, most: usize) -> Result<(), Error> {
    let config = environment.configuration()?;
    let names: Vec<&str> = config.models.iter().map(|model| model.name.as_str()).collect();
    let found: Option<&Model> = config.models.iter().find(|candidate| candidate.name == model);
    let model = found.ok_or_else(|| unknown("model", model, &names))?;
    if model.dataset.shared.is_some() {
        variable(dataset::VARIABLE);
    }
    let write = |suffix: &str, contents: &[u8]| {
        let path = environment.out_dir.join(format!("{}_test_{suffix}.bin", model.name));
        std::fs::write(&path, contents).map_err(|error| Problem::io("write", &path, &error))
    };
    let path = dataset::find(&model.dataset);
    if !path.exists() {
        let path = path.display();
        match model.dataset.is_absent() {
            true => {
                println!("cargo::warning=the firmware has no test images: `{}` has no dataset", model.name)
            }
            false => {
                println!("cargo::warning=the firmware has no test images: there is no dataset at {path}")
            }
        }
        write("images", &[])?;
        return Ok(write("labels", &[])?);
    }
    dataset::files_of(&path).iter().for_each(|path| rerun(path));
    let cache = environment.cache();
    let prepared = Prepared::new(model, Some(&cache))?;
    let all = test_part(environment, &prepared)?;
    let images = all.select(&spread(all.len(), most).collect::<Vec<_>>());
    let labels = rules(model.dataset.task).firmware_targets(&images.targets)?;
    // As firmware passes them.
    let inputs = || prepared.graph.inputs.iter().zip(prepared.graph.inputs.ranges());
    let mut packed = Vec::new();
    for index in 0..images.len() {
        for (Input { shape, bits, .. }, range) in inputs() {
            let codes = &images.image(index)[range];
            match bits {
                Bits::B8 => packed.extend_from_slice(codes),
                bits => {
                    let start = packed.len();
                    packed.resize(start + shape.height * shape.width * bits.row_bytes(shape.channels), 0);
                    pack_codes(codes, shape.channels, *bits, &mut packed[start..]);
                }
            }
        }
    }
    write("images", &packed)?;
    write("labels", &labels)?;
    Ok(())
}

/// All images that a model is measured with.
fn test_part(environment: &Environment, prepared: &Prepared<'_>) -> Result<Split, Error> {
    let (model, warnings) = (prepared.model, &mut Warnings(&prepared.model.name));
    if model.as_imported {
        // What codes stand for is in the artifact.
        let path = artifact::path(&environment.manifest_dir, &model.name);
        let state = artifact::state(&path, &Fingerprint::new())?;
        let missing = || Problem::new(format!("model `{}` has no artifact", model.name));
        let artifact = state.artifact().ok_or_else(missing)?;
        let Measure { images, unlabelled, .. } =
            measure_artifact(&model.dataset, &artifact.header, warnings)?;
        labelled(unlabelled, &model.name)?;
        return Ok(images);
    }
    let (inputs, output) = (&prepared.graph.inputs, prepared.graph.output());
    let (dataset, _) = Dataset::load_with_digest(&model.dataset, prepared.cache, inputs, output, warnings)?;
    labelled(dataset.unlabelled[1], &model.name)?;
    Ok(dataset.test)
}
