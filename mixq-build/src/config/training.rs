//! `training = { ... }`: how a model is trained.

use crate::error::Problem;
use crate::settings::{
    Bounds, ClassWeights, DeviceChoice, Loss, Method, OptimiserKind, Rounding, Training, WeightSteps,
};
use crate::toml::{Entry, Table};

const KEYS: [&str; 33] = [
    "method",
    "epochs",
    "learning-rate",
    "quantised-epochs",
    "quantised-learning-rate",
    "batch",
    "seed",
    "weight-decay",
    "calibration-images",
    "validation",
    "shift",
    "rotation",
    "zoom",
    "flip",
    "label-smoothing",
    "average",
    "freeze-batch-norm",
    "batch-norm-images",
    "weight-steps",
    "freeze-oscillations",
    "rounding",
    "optimiser",
    "quantised-weight-decay",
    "activation-decay",
    "bounds",
    "equalise",
    "reconstruct",
    "shards",
    "distillation",
    "temperature",
    "device",
    "class-weights",
    "loss",
];

/// Takes over `training = "none"`, or what a table has.
pub(super) fn read_entry(training: &mut Training, entry: &Entry<'_>, problems: &mut Vec<Problem>) {
    if entry.as_str().is_some() {
        read_method(training, entry, problems);
    } else if let Some(table) = entry.table(problems) {
        read(training, &table, problems);
    }
}

fn read_method(training: &mut Training, entry: &Entry<'_>, problems: &mut Vec<Problem>) {
    if let Some(method) = entry.choice(&Method::CHOICES, problems) {
        training.follow(method);
    }
}

/// Takes over what the table has.
fn read(training: &mut Training, table: &Table<'_>, problems: &mut Vec<Problem>) {
    fn set<T>(setting: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *setting = value;
        }
    }
    table.allow(&KEYS, problems);
    // Other keys change what it sets.
    if let Some(entry) = table.get("method") {
        read_method(training, &entry, problems);
    }
    let positive = |number: f64| number > 0.0;
    for entry in table.entries() {
        match entry.name {
            "epochs" => set(&mut training.epochs, entry.integer(0, problems).map(Some)),
            "learning-rate" => {
                set(&mut training.learning_rate, entry.number(positive, "over 0", problems));
            }
            "quantised-epochs" => set(&mut training.quantised_epochs, entry.integer(0, problems)),
            "quantised-learning-rate" => {
                set(&mut training.quantised_learning_rate, entry.number(positive, "over 0", problems));
            }
            "batch" => set(&mut training.batch, entry.integer(1, problems)),
            "seed" => set(&mut training.seed, entry.integer(0, problems)),
            "weight-decay" => {
                set(&mut training.weight_decay, entry.number(|n| n >= 0.0, "0 or more", problems));
            }
            "quantised-weight-decay" => {
                let decay = entry.number(|n| n >= 0.0, "0 or more", problems);
                set(&mut training.quantised_weight_decay, decay);
            }
            "activation-decay" => {
                set(&mut training.activation_decay, entry.number(|n| n >= 0.0, "0 or more", problems));
            }
            "optimiser" => set(&mut training.optimiser, entry.choice(&OptimiserKind::CHOICES, problems)),
            "bounds" => set(&mut training.bounds, entry.choice(&Bounds::CHOICES, problems)),
            "equalise" => {
                if let Some(equalise) = entry.boolean(problems) {
                    training.equalise = Some(equalise);
                }
            }
            "reconstruct" => set(&mut training.reconstruct, entry.integer(0, problems)),
            "shards" => set(&mut training.shards, entry.integer(1, problems)),
            "distillation" => {
                let share = entry.number(|n| (0.0..=1.0).contains(&n), "0 to 1", problems);
                set(&mut training.distillation, share);
            }
            "temperature" => set(&mut training.temperature, entry.number(positive, "over 0", problems)),
            "class-weights" => {
                set(&mut training.class_weights, entry.choice(&ClassWeights::CHOICES, problems));
            }
            "loss" => set(&mut training.loss, entry.choice(&Loss::CHOICES, problems)),
            "device" => set(&mut training.device, entry.choice(&DeviceChoice::CHOICES, problems)),
            "calibration-images" => set(&mut training.calibration_images, entry.integer(1, problems)),
            "validation" => {
                let share = entry.number(|n| n > 0.0 && n < 0.5, "over 0 and under 0.5", problems);
                set(&mut training.validation, share);
            }
            "shift" => set(&mut training.shift, entry.integer(0, problems)),
            "rotation" => {
                let degrees = entry.number(|n| (0.0..=180.0).contains(&n), "0 to 180 degrees", problems);
                set(&mut training.rotation, degrees);
            }
            "zoom" => {
                set(&mut training.zoom, entry.number(|n| (0.0..1.0).contains(&n), "0 to under 1", problems));
            }
            "label-smoothing" => {
                let share = entry.number(|n| (0.0..1.0).contains(&n), "0 to under 1", problems);
                set(&mut training.label_smoothing, share);
            }
            "average" => {
                set(
                    &mut training.average,
                    entry.number(|n| (0.0..1.0).contains(&n), "0 to under 1", problems),
                );
            }
            "flip" => set(&mut training.flip, entry.boolean(problems)),
            "freeze-batch-norm" => {
                let share = entry.number(|n| (0.0..=1.0).contains(&n), "0 to 1", problems);
                set(&mut training.freeze_batch_norm, share);
            }
            "batch-norm-images" => set(&mut training.batch_norm_images, entry.integer(0, problems)),
            "weight-steps" => set(&mut training.weight_steps, entry.choice(&WeightSteps::CHOICES, problems)),
            "freeze-oscillations" => {
                let share = entry.number(|n| (0.0..1.0).contains(&n), "0 to under 1", problems);
                set(&mut training.freeze_oscillations, share);
            }
            "rounding" => set(&mut training.rounding, entry.choice(&Rounding::CHOICES, problems)),
            // `allow` has reported it.
            _ => {}
        }
    }
}
