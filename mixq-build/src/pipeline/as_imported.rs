//! A model that is taken over from a quantised file as it is: nothing is trained, and data only measure it.

use mixq_format::{Accuracy, Artifact, Bits, Budget, SampleChannel, Unit};

use super::{check, named};
use crate::as_imported::{check_codes, float_outputs};
use crate::config::{InputConfig, Model};
use crate::convert::About;
use crate::dataset::{self, Measure, background, channel_of, measure_artifact};
use crate::error::{Error, Problem};
use crate::evaluate;
use crate::graph::IMAGE;
use crate::import::foreign::{self, Foreign};
use crate::import::lower::Reading;
use crate::observer::Observer;
use crate::prepare::{Prepared, taken};
use crate::task::{Fit, Made, Task, rules};

/// Its artifact.
pub(super) fn make(prepared: &Prepared<'_>, observer: &mut dyn Observer) -> Result<Artifact, Error> {
    let model = prepared.model;
    let allocation = prepared.allocate()?;
    let (foreign, taken) = taken(model)?;
    let samples = samples(model, &foreign)?;
    let channels = foreign.graph.input().channels;
    let given = model.input.as_ref().or(model.inputs.get(IMAGE));
    let given = given.map(|input| input.of(channels)).transpose()?;
    check_codes(&foreign, &samples, given.as_ref()).map_err(|problem| named(&model.name, problem.into()))?;
    let converted = (taken.convert(&allocation, model.scheme)).map_err(|error| named(&model.name, error))?;
    let rules = rules(model.dataset.task);
    let outputs = taken.graph.outputs();
    // Where Cargo.toml names none, the dataset may.
    let labels = labels(model, outputs)?;
    // Outputs of a regression are the quantities themselves.
    let units = match model.dataset.task {
        Task::Regression => vec![Unit { scale: 1.0, offset: 0.0 }; outputs],
        Task::Classification | Task::MultiLabel | Task::Reconstruction | Task::Dense => Vec::new(),
    };
    let about = About {
        name: model.name.clone(),
        task: model.dataset.task,
        labels,
        samples: vec![samples],
        readout: rules.readout(&Made {
            fit: &Fit { units, ..Fit::default() },
            logit_scale: converted.logit_scale,
            image_scale: taken.network.inputs[0].scale,
            zero_point: converted.inputs[0].tensor.zero_point,
            elements: taken.graph.input().elements(),
        }),
        fingerprint: prepared.fingerprint.clone(),
        budget: Budget { flash: model.flash, ram: model.ram },
        accuracy: Accuracy {
            float: 0.0,
            fake_quant: 0.0,
            integer: 0.0,
            float_validation: 0.0,
            fake_quant_validation: 0.0,
            disagreements: 0,
            test_images: 0,
            agreement: false,
        },
    };
    let mut artifact = converted.into_artifact(about);
    check(&artifact, &allocation)?;
    let path = dataset::find(&model.dataset);
    let missing = match model.dataset.is_absent() {
        true => "it has no dataset".to_string(),
        false => format!("there is no dataset at {}", path.display()),
    };
    if path.exists() {
        let measure = measure_artifact(&model.dataset, &artifact.header, observer)?;
        artifact.header.labels = measure.labels.clone();
        measured(model, &foreign, &mut artifact, measure, observer)?;
    } else if rules.has_thresholds() {
        let message = format!("model `{}`: {missing}", model.name);
        return Err(Problem::new(message).help("its thresholds are chosen on data").into());
    } else {
        observer.warn(&format!("it is not measured: {missing}"));
        if artifact.header.labels.is_empty() {
            artifact.header.labels = rules.default_labels(outputs);
        }
    }
    Ok(artifact)
}

/// What the outputs mean, as Cargo.toml says; empty: it does not.
fn labels(model: &Model, outputs: usize) -> Result<Vec<String>, Error> {
    let config = &model.dataset;
    let classes = background::classes(config, outputs)?;
    let Some(labels) = config.labels.clone() else { return Ok(Vec::new()) };
    let problems = rules(config.task).outputs(classes, Some(&labels));
    if problems.is_empty() { Ok(background::labels(config, labels)) } else { Err(Error { problems }) }
}

/// How samples become codes, where the dataset has samples: as the file's input is quantised.
fn samples(model: &Model, foreign: &Foreign) -> Result<Vec<SampleChannel>, Problem> {
    let (Some(input), Some(integers)) = (&model.dataset.input, foreign.lowered.integers.input) else {
        return Ok(Vec::new());
    };
    let InputConfig { min, max, unit, .. } = input;
    if min.is_some() || max.is_some() {
        let message = format!("model `{}`: `min` and `max` of its input are those of its file", model.name);
        let problem = Problem::new(message).help("leave them out of `input` in the dataset's table");
        return Err(Problem { location: model.dataset.location.clone(), ..problem });
    }
    let range = match foreign.reads_integers() {
        true => [integers.least as f64, integers.most as f64],
        false => integers.range(),
    };
    let unit = unit.as_ref().and_then(|unit| unit.first().copied());
    Ok(vec![channel_of(range, unit, integers.bits().unwrap_or(Bits::B8))])
}

/// Measures an artifact, and the network of its file in floats; on images without labels, how far it agrees
/// with that.
fn measured(
    model: &Model,
    taken: &Foreign,
    artifact: &mut Artifact,
    measure: Measure,
    observer: &mut dyn Observer,
) -> Result<(), Error> {
    let Measure { mut images, unlabelled, .. } = measure;
    let rules = rules(model.dataset.task);
    let reading = Reading { task: Some(model.dataset.task), ..Reading::NUMBERS };
    let floats = foreign::read_as(&taken.path, reading)?;
    let float = float_outputs(&floats, taken, artifact, &images);
    if unlabelled {
        let answers = evaluate::answers(artifact, &float, &images);
        images.targets = rules.as_targets(answers);
    }
    let images = &images;
    let logits = evaluate::logits(artifact, images)?;
    if rules.has_thresholds() {
        observer.warn("its thresholds are chosen on the images that it is measured with");
        artifact.header.readout.thresholds = evaluate::thresholds(artifact, &logits, images);
    }
    let answers = evaluate::answers(artifact, &logits, images);
    let integer = rules.score(&answers, &images.targets);
    artifact.header.accuracy = Accuracy {
        float: evaluate::score(artifact, &float, images),
        // What the file computes are integers.
        fake_quant: integer,
        integer,
        float_validation: 0.0,
        fake_quant_validation: 0.0,
        disagreements: 0,
        test_images: images.len() as u64,
        agreement: unlabelled,
    };
    let figures = rules.figures(&answers, &images.targets, &artifact.header.readout);
    artifact.header.readout.figures = figures;
    let labels = &artifact.header.labels;
    let warning = rules.warning(&artifact.header.accuracy, &images.targets, labels);
    warning.iter().for_each(|warning| observer.warn(warning));
    Ok(())
}
