//! Learned steps of weights, frozen codes, and batch norm that is measured anew.

use super::super::oscillations::Oscillations;
use super::super::state::State;
use super::*;
use crate::settings::{OptimiserKind, WeightSteps};
use crate::train::device::Machine;

/// Calls with a phase of QAT and a calibrated model at 2 bits; all of one seed are the same.
fn with_phase<T>(
    (network, scheme): (&str, Scheme),
    seed: u64,
    settings: &Training,
    then: impl FnOnce(&Phase<'_>, &mut Model<'_>, &Split) -> T,
) -> T {
    let graph = Graph::resolve(&layers::parse(Path::new("network.toml"), network).unwrap()).unwrap();
    let allocation = allocate_uniformly(&graph, Bits::B2, u64::MAX, u64::MAX, scheme).unwrap();
    let _turn = take_turn(1, seed);
    let split = images(&graph, seed);
    let all = Images::all(&split);
    let normalisation = Normalisation::of_inputs(&all, &graph.inputs);
    let mut model = Model::new(&graph, &allocation, scheme, Rounding::Nearest, &normalisation, Device::Cpu);
    unsettle(&mut model, seed);
    calibrate(&mut model, &Calibration::whole(&all), Bounds::Data, &mut Group::Alone).unwrap();
    let fit = Fit::default();
    let phase = phase((settings, scheme, true), &fit, &all);
    then(&phase, &mut model, &split)
}

const SMALL: &str = r#"
    input = [6, 5, 2]
    layer = [
        { op = "conv", name = "a", filters = 6, kernel = 3 },
        { op = "depthwise", name = "b", kernel = 3, stride = 2 },
        { op = "pointwise", name = "c", filters = 8 },
        { op = "linear", features = 3 },
    ]
"#;

fn learned() -> Training {
    Training { weight_steps: WeightSteps::Learned, ..Training::default() }
}

#[test]
fn learned_steps_give_the_answers_of_the_device() {
    for (name, scheme) in Scheme::CHOICES {
        let mut differing = 0;
        for seed in 0..4 {
            with_phase((SMALL, scheme), seed, &learned(), |phase, model, split| {
                model.learn_steps(phase.settings);
                let order: Vec<usize> = (0..IMAGES).collect();
                let (pixels, _) = batch(&Images::all(split), &order, &model.form());
                let mode = Mode { quantised: true, batch_statistics: false };
                let logits = tch::no_grad(|| model.forward(&pixels, mode));
                let expected = Vec::<f64>::try_from(logits.to_kind(Kind::Double).flatten(0, -1)).unwrap();
                let converted = convert(model.graph, model.allocation, scheme, &model.export()).unwrap();
                let found = integer_logits(&converted, split);
                let pairs = expected.chunks(3).zip(found.chunks(3));
                differing += pairs.filter(|(a, b)| argmax(a) != argmax(b)).count();
            });
        }
        assert!(differing <= 1, "{name}: {differing}");
    }
}

/// Codes as the device has them, times the step: what a weight's value is.
fn values(model: &Model<'_>, node: usize) -> Vec<f64> {
    let layer = model.export().layers[node].clone().unwrap();
    let each = layer.codes.len() / layer.grids.len();
    let value = |(index, code): (usize, &i8)| {
        let grid = layer.grids[index / each];
        f64::from(i32::from(*code) - grid.zero_point) * grid.scale
    };
    layer.codes.iter().enumerate().map(value).collect()
}

#[test]
fn steps_begin_where_each_channel_loses_least() {
    with_phase((SMALL, Scheme::PerChannel), 3, &learned(), |phase, model, _| {
        for node in [0, 2] {
            // The order of the device's codes: filter, row, column, channel.
            let real = model.real_weight(node).permute([0, 2, 3, 1]).contiguous();
            let channels = real.size()[0] as usize;
            let real = Vec::<f32>::try_from(real.flatten(0, -1)).unwrap();
            let lost = |values: &[f64]| -> Vec<f64> {
                let squares: Vec<f64> =
                    values.iter().zip(&real).map(|(a, b)| (a - f64::from(*b)).powi(2)).collect();
                squares.chunks(squares.len() / channels).map(|channel| channel.iter().sum()).collect()
            };
            let range = lost(&values(model, node));
            let mut own = model.with_tensors(super::super::state::copies(&model.tensors));
            own.learn_steps(phase.settings);
            let learned = lost(&values(&own, node));
            assert!(range.iter().zip(&learned).all(|(range, learned)| *learned <= range * 1.0001));
            let [range, learned] = [range, learned].map(|lost| lost.iter().sum::<f64>());
            assert!(learned < 0.85 * range, "{learned} {range}");
        }
    });
}

#[test]
fn frozen_weights_keep_the_code_that_they_had_on_average() {
    let settings = Training { freeze_oscillations: 0.01, ..learned() };
    for (name, scheme) in Scheme::CHOICES {
        with_phase((SMALL, scheme), 5, &settings, |phase, model, _| {
            model.learn_steps(phase.settings);
            let machine = Machine { threads: 1, cpu: String::new() };
            let mut state = State::new(model.snapshot(), false, OptimiserKind::Adam, machine);
            phase.ready(model, &state);
            phase.freeze_oscillations(model, &mut state, 0.0);
            let before = values(model, 2);
            assert_eq!(state.oscillations.len(), 4);
            // Of every second channel of the third layer all weights have turned round often.
            let Oscillations { turns, codes, .. } = &state.oscillations["c.weight"];
            let size = codes.size();
            let often: Vec<f32> =
                (0..codes.numel()).map(|index| ((index as i64 / size[1]) % 2) as f32).collect();
            let mut turns = turns.shallow_clone();
            turns.copy_(&Tensor::from_slice(&often).reshape(&size[..]));
            tch::no_grad(|| {
                let _ = model.tensors.get_mut("c.weight").unwrap().neg_();
            });
            phase.freeze_oscillations(model, &mut state, 20.0);
            let after = values(model, 2);
            let channels = size[0] as usize;
            let each = after.len() / channels;
            for channel in 0..channels {
                let own = channel * each..(channel + 1) * each;
                // Folded batch norm makes some channels 0 throughout.
                if before[own.clone()].iter().all(|value| *value == 0.0) {
                    continue;
                }
                assert_eq!(before[own.clone()] == after[own], channel % 2 == 1, "{name} {channel}");
            }
        });
    }
}

#[test]
fn renewed_statistics_are_the_means_over_batches() {
    let settings = Training { batch_norm_images: 40, batch: 20, ..Training::default() };
    with_phase((SMALL, Scheme::PerChannel), 6, &settings, |phase, model, split| {
        let all = Images::all(split);
        let mut expected = Tensor::zeros([2, 6], (Kind::Float, Device::Cpu));
        for first in [0, 20] {
            let (pixels, _) = batch(&all, &(first..first + 20).collect::<Vec<_>>(), &model.form());
            let real = model.real_weight(0);
            let grids = model.weight_grids(0);
            let weights = super::super::quantise::weights(&real, &grids, Bits::B2, None);
            let sums = pixels[0].conv2d::<Tensor>(&weights, None, [1, 1], [1, 1], [1, 1], 1);
            let sums = sums.permute([1, 0, 2, 3]).flatten(1, -1);
            let mean = sums.mean_dim(&[1i64][..], false, Kind::Float);
            expected += Tensor::stack(&[mean, sums.var_dim(&[1i64][..], true, false)], 0) / 2.0;
        }
        phase.renew_statistics(model);
        for (row, part) in [(0, Part::Mean), (1, Part::Variance)] {
            let distance = (model.get(0, part).unwrap() - expected.get(row)).abs().max().double_value(&[]);
            assert!(distance < 1e-4, "{part:?} {distance}");
        }
    });
}
