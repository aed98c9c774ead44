use std::path::Path;

use mixq_format::Bits;
use tch::{Device, Kind, Tensor};

use super::super::batches::batch;
use super::super::calibrate::calibrate;
use super::super::forward::Mode;
use super::super::images::Images;
use super::super::normalisation::Normalisation;
use super::super::take_turn;
use super::super::tests::{images, unsettle};
use super::*;
use crate::import::layers;
use crate::memory::allocate_uniformly;
use crate::settings::{Bounds, Rounding, Scheme};

/// Every layer that can divide what it reads, behind every layer that can multiply.
const NETWORK: &str = r#"
    input = [8, 8, 3]
    layer = [
        { op = "conv", name = "stem", filters = 12, kernel = 3 },
        { op = "depthwise", name = "depthwise", kernel = 3, activation = { clip = [0, 6] } },
        { op = "conv", name = "groups", filters = 8, kernel = 3, groups = 2, batch_norm = false },
        { op = "depthwise", name = "several", kernel = 3, multiplier = 2 },
        { op = "pointwise", name = "signed", filters = 10, activation = "none" },
        { op = "max_pool", kernel = 2, stride = 2 },
        { op = "linear", name = "dense", features = 9, activation = "relu" },
        { op = "linear", features = 5 },
    ]
"#;

/// The outputs whose channels are multiplied, by name.
const EQUALISED: [&str; 6] = ["stem", "depthwise", "groups", "several", "signed", "dense"];

/// A random network whose channels differ much, equalised or not, and its inputs.
fn with_model<T>(
    network: &str,
    scheme: Scheme,
    bits: Bits,
    look: impl FnOnce(&mut Model<'_>, &Images<'_>, &[Tensor]) -> T,
) -> T {
    let graph = Graph::resolve(&layers::parse(Path::new("network.toml"), network).unwrap()).unwrap();
    let allocation = allocate_uniformly(&graph, bits, u64::MAX, u64::MAX, scheme).unwrap();
    let _turn = take_turn(1, 3);
    let split = images(&graph, 3);
    let all = Images::all(&split);
    let normalisation = Normalisation::of_inputs(&all, &graph.inputs);
    let mut model = Model::new(&graph, &allocation, scheme, Rounding::Nearest, &normalisation, Device::Cpu);
    unsettle(&mut model, 3);
    for node in 0..graph.nodes.len() {
        let channels = graph.nodes[node].output.channels as i64;
        let factors = Tensor::linspace(0.1, 1.0, channels, (Kind::Float, Device::Cpu)).square();
        if can_scale(&graph, node) {
            multiply(&mut model, node, &factors);
        }
    }
    let (pixels, _) = batch(&all, &(0..all.len()).collect::<Vec<_>>(), &model.form());
    look(&mut model, &all, &pixels)
}

fn outputs(model: &Model<'_>, inputs: &[Tensor], quantised: bool) -> Tensor {
    tch::no_grad(|| model.forward(inputs, Mode { quantised, batch_statistics: false })).to_kind(Kind::Double)
}

/// How far a network with quantised tensors is from the one in floats, as a share of the latter's size.
fn error(model: &mut Model<'_>, train: &Images<'_>, inputs: &[Tensor]) -> f64 {
    calibrate(model, &Calibration::whole(train), Bounds::Data, &mut Group::Alone).unwrap();
    let float = outputs(model, inputs, false);
    let difference = outputs(model, inputs, true) - &float;
    (difference.square().mean(Kind::Double) / float.square().mean(Kind::Double)).sqrt().double_value(&[])
}

#[test]
fn the_float_network_computes_what_it_did() {
    for bits in Bits::QUANTISED {
        with_model(NETWORK, Scheme::PerChannel, bits, |model, train, inputs| {
            let (before, tensors) = (outputs(model, inputs, false), model.snapshot());
            equalise(model, &Calibration::whole(train), &mut Group::Alone).unwrap();
            let after = outputs(model, inputs, false);
            let largest = (&after - &before).abs().max().double_value(&[]);
            let range = (before.max() - before.min()).double_value(&[]);
            assert!(largest < 1e-5 * range, "{bits:?}: {largest} of {range}");
            for name in EQUALISED {
                let prefix = format!("{name}.");
                let mut parts = tensors.iter().filter(|(key, _)| key.starts_with(&prefix));
                let changed = parts.any(|(key, before)| *before != model.tensors[key]);
                assert!(changed, "{bits:?}: {name}");
            }
        });
    }
}

/// What reads the stem has a grid for each channel: the channels' ranges become equal.
#[test]
fn channels_have_one_range_where_that_costs_nothing() {
    with_model(NETWORK, Scheme::PerChannel, Bits::B8, |model, train, _| {
        let stem = BTreeMap::from([(0, vec![1])]);
        let ratio = |model: &Model<'_>| {
            let found = largest_by_channel(model, &Calibration::whole(train), &stem, &mut Group::Alone);
            let found = found.unwrap().remove(&0).unwrap();
            // Channels that are always 0 stay so.
            let seen = found.masked_select(&found.gt(0.0));
            (seen.max() / seen.min()).double_value(&[])
        };
        let before = ratio(model);
        equalise(model, &Calibration::whole(train), &mut Group::Alone).unwrap();
        let after = ratio(model);
        assert!(before > LARGEST, "{before}");
        assert!(after < (before / LARGEST).max(1.0) * 1.001, "{after}, it was {before}");
    });
}

#[test]
fn quantisation_loses_less() {
    for bits in [Bits::B8, Bits::B4] {
        let [plain, equalised] = [false, true].map(|equalises| {
            with_model(NETWORK, Scheme::PerChannel, bits, |model, train, inputs| {
                if equalises {
                    equalise(model, &Calibration::whole(train), &mut Group::Alone).unwrap();
                }
                error(model, train, inputs)
            })
        });
        println!("{bits:?}: {equalised} in place of {plain}");
        assert!(equalised < 0.9 * plain, "{bits:?}: {equalised} in place of {plain}");
    }
}

/// A sum adds outputs on their own scales, and a layer's weights may have one grid.
#[test]
fn what_cannot_be_undone_stays() {
    let unchanged = |network: &str, scheme| {
        with_model(network, scheme, Bits::B4, |model, train, _| {
            let before = model.snapshot();
            equalise(model, &Calibration::whole(train), &mut Group::Alone).unwrap();
            before == model.tensors
        })
    };
    let residual = r#"
        input = [6, 6, 2]
        layer = [
            { op = "conv", name = "a", filters = 6, kernel = 3 },
            { op = "pointwise", name = "b", filters = 6 },
            { op = "add", inputs = ["a", "b"] },
            { op = "global_average_pool" },
        ]
    "#;
    assert!(unchanged(residual, Scheme::PerChannel));
    assert!(unchanged(NETWORK, Scheme::PerLayer));
    assert!(unchanged(NETWORK, Scheme::PerLayerFolded));
    assert!(!unchanged(NETWORK, Scheme::PerChannelThresholds));
}
