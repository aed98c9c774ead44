//! A model that is trained.

use std::path::{Path, PathBuf};

use mixq_format::{Accuracy, Artifact, Budget};

use super::{check, named};
use crate::artifact::{self, DATASET, Fingerprint, WEIGHTS};
use crate::convert::{About, convert};
use crate::dataset::{self, Dataset};
use crate::error::{Error, Problem};
use crate::evaluate;
use crate::memory::{Allocation, Losses};
use crate::observer::{Effort, Observer};
use crate::prepare::Prepared;
use crate::settings::{Policy, Scheme, Training};
use crate::shortage::accumulator;
use crate::task::{Made, rules};
use crate::train::{Checkpoints, Choose, Group, Job, Metrics, taught, train, validation};

/// Its artifact, and what its training took; `None` in all but the first process of a group, which train
/// with it.
pub(super) fn make(
    mut prepared: Prepared<'_>,
    scratch: &Path,
    force: bool,
    group: &mut Group,
    observer: &mut dyn Observer,
) -> Result<Option<(Artifact, [Effort; 2])>, Error> {
    let model = prepared.model;
    let allocation = prepared.allocate()?;
    accumulator::notes(&prepared.graph, &allocation).iter().for_each(|note| observer.warn(note));
    let (inputs, output) = (&prepared.graph.inputs, prepared.graph.output());
    let dataset = if model.dataset.is_absent() {
        without_data(&prepared).map_err(|problem| named(&model.name, problem.into()))?;
        dataset::synthetic(&model.dataset, inputs, output, model.training.seed)
    } else {
        let (dataset, digest) =
            Dataset::load_with_digest(&model.dataset, prepared.cache, inputs, output, observer)?;
        // The data that it is trained on are those that were read, not those that were there a moment before.
        prepared.fingerprint.insert(DATASET.to_string(), digest);
        dataset
    };
    unlabelled(&prepared, &dataset).iter().for_each(|warning| observer.warn(warning));
    let normalisations = prepared.imported.normalisations_of(&dataset.samples)?;
    prepared.imported.normalisations = normalisations;
    let initial = prepared.imported.initial(&prepared.graph)?.map(|(initial, digest)| {
        prepared.fingerprint.insert(WEIGHTS.to_string(), digest);
        initial.warnings.iter().for_each(|warning| observer.warn(warning));
        initial
    });
    let (prepared, graph) = (&prepared, &prepared.graph);
    let inputs = prepared.fingerprint.iter().map(|(key, value)| (&key[..], value.clone()));
    let task = [("model", model.name.clone()), ("`force`", force.to_string())].into_iter().chain(inputs);
    group.agree(&task.collect::<Vec<_>>(), &[]).map_err(|error| named(&model.name, error.into()))?;
    let float = float_checkpoint(prepared, scratch)?;
    let quantised = |allocation: &Allocation| quantised_checkpoint(prepared, allocation, scratch);
    let checkpoints = Checkpoints { float: &float, quantised: &quantised, use_finished: !force };
    let choose = |losses: &Losses| prepared.allocate_by_losses(losses);
    let choose = (model.policy == Policy::Sensitivity).then_some(&choose as Choose<'_>);
    let epochs = Some(model.training.epochs(initial.is_some()));
    let settings = Training { epochs, ..model.training.clone() };
    let job = Job {
        graph,
        allocation: &allocation,
        choose,
        scheme: model.scheme,
        normalisations: &prepared.imported.normalisations,
        initial: initial.as_ref(),
        settings: &settings,
        dataset: &dataset,
    };
    let answered;
    let (job, dataset) = if dataset.unlabelled.contains(&true) {
        answered = taught(job).map_err(|error| named(&model.name, error))?;
        (Job { dataset: &answered, ..job }, &answered)
    } else {
        (job, &dataset)
    };
    let named_error = |error| named(&model.name, error);
    if group.rank() > 0 {
        train(job, checkpoints, group, observer).map_err(named_error)?;
        return Ok(None);
    }
    let metrics = scratch.join(format!("{}-metrics.jsonl", model.name));
    let mut metrics = Metrics::new(&metrics, observer)?;
    let trained = train(job, checkpoints, group, &mut metrics).map_err(named_error)?;
    let allocation = &trained.allocation;
    let converted = convert(graph, allocation, model.scheme, &trained.network)
        .map_err(|error| named(&model.name, error))?;
    // Images that are made up measure nothing.
    let validation_score = |score: f64| if dataset.synthetic { 0.0 } else { score };
    let about = About {
        name: model.name.clone(),
        task: model.dataset.task,
        labels: dataset.labels.clone(),
        samples: dataset.samples.clone(),
        readout: rules(model.dataset.task).readout(&Made {
            fit: &trained.fit,
            logit_scale: converted.logit_scale,
            image_scale: trained.network.inputs[0].scale,
            zero_point: converted.inputs[0].tensor.zero_point,
            elements: graph.input().elements(),
        }),
        fingerprint: prepared.fingerprint.clone(),
        budget: Budget { flash: model.flash, ram: model.ram },
        accuracy: Accuracy {
            float: trained.float_accuracy,
            fake_quant: trained.fake_quant_accuracy,
            integer: 0.0,
            float_validation: validation_score(trained.float_validation),
            fake_quant_validation: validation_score(trained.fake_quant_validation),
            disagreements: 0,
            test_images: dataset.test.len() as u64,
            agreement: dataset.unlabelled[1],
        },
    };
    let mut artifact = converted.into_artifact(about);
    check(&artifact, allocation)?;
    let logits = evaluate::logits(&artifact, &dataset.test)?;
    let (rules, targets) = (rules(model.dataset.task), &dataset.test.targets);
    let answers = evaluate::answers(&artifact, &logits, &dataset.test);
    let accuracy = &mut artifact.header.accuracy;
    accuracy.integer = rules.score(&answers, targets);
    accuracy.disagreements = rules.disagreements(&answers, &trained.fake_quant_answers, targets) as u64;
    if rules.has_thresholds() {
        let validation = validation(dataset, &model.training);
        let logits = evaluate::logits(&artifact, &validation)?;
        artifact.header.readout.thresholds = evaluate::thresholds(&artifact, &logits, &validation);
    }
    let answers = evaluate::answers(&artifact, &logits, &dataset.test);
    artifact.header.readout.figures = rules.figures(&answers, targets, &artifact.header.readout);
    // Answers of a network say nothing of what guessing would come to.
    if !dataset.unlabelled[1] {
        let warning = rules.warning(&artifact.header.accuracy, targets, &dataset.labels);
        warning.iter().for_each(|warning| observer.warn(warning));
    }
    Ok(Some((artifact, [trained.float, trained.quantised])))
}

/// What cannot be done without a dataset.
fn without_data(prepared: &Prepared<'_>) -> Result<(), Problem> {
    let model = prepared.model;
    let wants = if rules(model.dataset.task).has_thresholds() {
        format!("the thresholds of task = \"{}\" are chosen on data", model.dataset.task.name())
    } else if model.policy == Policy::Sensitivity {
        "policy = \"sensitivity\" measures on data what bits cost".to_string()
    } else {
        return Ok(());
    };
    let problem = Problem::new(format!("it has no dataset, but {wants}"));
    Err(problem.help("add `dataset`: images without labels are enough").at(model.location.clone()))
}

/// What scores mean, or that there are none.
fn unlabelled(prepared: &Prepared<'_>, dataset: &Dataset) -> Option<String> {
    let (graph, path) = (&prepared.graph, prepared.model.dataset.path.display());
    if dataset.synthetic {
        let norms = graph.nodes.iter().filter(|node| node.norm).count();
        let ranges = match norms {
            0 => "made-up images alone, for it has no batch norm".to_string(),
            _ => format!("the statistics of its {norms} batch norms, and made-up images"),
        };
        return Some(format!(
            "there is no dataset: ranges come from {ranges}, and nothing measures what that costs; a few \
             hundred images without labels would do better"
        ));
    }
    let of = match dataset.unlabelled {
        [true, true] => "its images have",
        [true, false] => "its training images have",
        [false, true] => "its test images have",
        [false, false] => return None,
    };
    let scores = if dataset.unlabelled[1] { "; scores are how far networks agree with it" } else { "" };
    Some(format!("{path}: {of} no labels: what the float network answers stands in for them{scores}"))
}

/// The file of a model's float training, named by what it depends on: networks that differ in their budget
/// alone share it.
fn float_checkpoint(prepared: &Prepared<'_>, scratch: &Path) -> Result<PathBuf, Error> {
    let mut inputs: Fingerprint = (prepared.fingerprint.iter())
        .filter(|(name, _)| float_depends_on(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    inputs.insert("input-bits".to_string(), input_bits(prepared));
    checkpoint(scratch, "float", &inputs)
}

/// The file of a model's training with fake quantisation: networks of the same bits share it, and thresholds
/// are made from the same network as multipliers.
fn quantised_checkpoint(
    prepared: &Prepared<'_>,
    allocation: &Allocation,
    scratch: &Path,
) -> Result<PathBuf, Error> {
    let mut inputs = prepared.fingerprint.clone();
    for name in ["format", "budget.flash", "budget.ram", "delta", "policy"] {
        inputs.remove(name);
    }
    let scheme = match prepared.model.scheme {
        Scheme::PerChannelThresholds => Scheme::PerChannel,
        scheme => scheme,
    };
    inputs.insert("scheme".to_string(), scheme.name().to_string());
    let bits = format!("{:?} {:?}", allocation.weights, allocation.activations);
    inputs.insert("bits".to_string(), bits);
    inputs.insert("input-bits".to_string(), input_bits(prepared));
    checkpoint(scratch, "quantised", &inputs)
}

/// The bits of all inputs: the budget may decide them.
fn input_bits(prepared: &Prepared<'_>) -> String {
    let bits: Vec<_> = prepared.graph.inputs.iter().map(|input| input.bits.count().to_string()).collect();
    bits.join(" ")
}

fn checkpoint(scratch: &Path, kind: &str, inputs: &Fingerprint) -> Result<PathBuf, Error> {
    Ok(scratch.join(format!("{kind}-{}.checkpoint", artifact::short_digest(inputs)?)))
}

/// Whether the float phase of a training depends on this entry of a fingerprint.
fn float_depends_on(name: &str) -> bool {
    const QUANTISED: [&str; 15] = [
        "calibration-images",
        "equalise",
        "reconstruct",
        "quantised-epochs",
        "quantised-learning-rate",
        "quantised-weight-decay",
        "activation-decay",
        "freeze-batch-norm",
        "batch-norm-images",
        "weight-steps",
        "freeze-oscillations",
        "rounding",
        "bounds",
        "distillation",
        "temperature",
    ];
    match name.strip_prefix("training.") {
        Some(setting) => !QUANTISED.contains(&setting),
        None => {
            let of_data = name.starts_with(DATASET) || name.starts_with("normalisation");
            of_data || ["network", "task", WEIGHTS].contains(&name)
        }
    }
}
