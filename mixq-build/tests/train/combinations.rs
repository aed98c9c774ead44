//! Each scheme of scales with each kind of operator, bits by sensitivity, with and without distillation:
//! small networks that are trained for a few epochs. The integers are those of the trained network, code by
//! code, and answer as fake quantisation does.

use mixq_build::engine::config::Scheme;
use mixq_build::engine::convert::convert;
use mixq_build::engine::memory::allocate_uniformly;
use mixq_build::engine::train::{Checkpoints, Group, train as train_job};
use mixq_tests::compare::{Tally, compare};

use super::*;

/// Squeeze and excite with functions by table and slopes; branches that grow again and are joined, one of
/// which is an output of the network; groups, differences and elements that change their places, to the least
/// whole code.
const NETWORKS: [(&str, &str); 3] = [
    (
        "gates",
        r#"
        { op = "conv", name = "a", filters = 12, kernel = 3, stride = 2, activation = "hard_swish" },
        { op = "global_average_pool" },
        { op = "pointwise", filters = 6, batch_norm = false, activation = "relu" },
        { op = "pointwise", name = "gate", filters = 12, batch_norm = false, activation = "sigmoid" },
        { op = "multiply", inputs = ["gate", "a"] },
        { op = "pointwise", filters = 14, activation = "none" },
        { op = "prelu" },
        { op = "sigmoid" },
        "#,
    ),
    (
        "branches",
        r#"
        { op = "conv", name = "a", filters = 10, kernel = 3, stride = 2 },
        { op = "transposed_conv", name = "grown", filters = 6, kernel = 3, stride = 2 },
        { op = "resize", name = "resized", inputs = ["a"], factor = 2 },
        { op = "concat", name = "joined", inputs = ["grown", "resized"] },
        { op = "conv", name = "map", filters = 12, kernel = 3, stride = 2, output = true },
        { op = "max_pool", kernel = 2 },
        "#,
    ),
    (
        "groups",
        r#"
        { op = "conv", filters = 8, kernel = 3, activation = { leaky_relu = 0.1 } },
        { op = "space_to_depth", block = 2 },
        { op = "conv", name = "a", filters = 12, kernel = 3, groups = 4, activation = "none" },
        { op = "channel_shuffle", groups = 3 },
        { op = "depthwise", name = "b", kernel = 3, dilation = 2, activation = "none" },
        { op = "subtract", inputs = ["a", "b"] },
        { op = "affine", activation = "hard_sigmoid" },
        { op = "slice", name = "c", first = 2, channels = 8 },
        { op = "batch_norm" },
        { op = "average_pool", kernel = 2 },
        { op = "upsample", factor = 2 },
        { op = "add", inputs = ["c", "upsample1"], output = true },
        { op = "global_max_pool" },
        "#,
    ),
];

/// A package with such a network; much memory.
fn package(layers: &str, scheme: &str, distillation: f64) -> Package {
    let training = "epochs = 8, quantised-epochs = 3, batch = 16, learning-rate = 0.01";
    let rounding = if layers.contains("groups") { "floor" } else { "nearest" };
    let package =
        digits(scheme, &format!("{training}, distillation = {distillation}, rounding = {rounding:?}"));
    let end = "{ op = \"linear\", features = 10 },";
    package.write("net.toml", &format!("input = [8, 8, 1]\nlayer = [{layers}{end}]\n"));
    BUDGET.iter().for_each(|(much, little)| package.replace("Cargo.toml", little, much));
    // Layers are executed one by one.
    let keys = "policy = \"sensitivity\"\nexecution = \"whole\"\nscheme =";
    package.replace("Cargo.toml", "scheme =", keys);
    package
}

#[test]
fn gates_with_every_scheme() {
    every_scheme(&NETWORKS[0]);
}

#[test]
fn branches_with_every_scheme() {
    every_scheme(&NETWORKS[1]);
}

#[test]
fn groups_with_every_scheme() {
    every_scheme(&NETWORKS[2]);
}

fn every_scheme((name, layers): &(&str, &str)) {
    for ((scheme_name, scheme), distillation) in Scheme::CHOICES.into_iter().zip([0.0, 0.5, 1.0, 0.3]) {
        let package = package(layers, scheme_name, distillation);
        let graph = Prepared::new(&package.config().models[0], None).unwrap().graph;
        let [narrow, wide] = [Bits::B2, Bits::B8]
            .map(|bits| allocate_uniformly(&graph, bits, u64::MAX, u64::MAX, scheme).unwrap());
        let budgets = [(narrow.flash + wide.flash) / 2, (narrow.ram + 2 * wide.ram) / 3];
        let budgets = BUDGET.iter().zip(budgets);
        budgets.for_each(|((much, _), bytes)| package.replace("Cargo.toml", much, &format!("{bytes} B")));
        check(&format!("{name} {scheme_name}"), &package, scheme);
    }
}

fn check(name: &str, package: &Package, scheme: Scheme) {
    let config = package.config();
    let model = &config.models[0];
    let prepared = Prepared::new(model, None).unwrap();
    let graph = &prepared.graph;
    let dataset = Dataset::load(&model.dataset, &graph.inputs, graph.output(), &mut ()).unwrap();
    let allocation = prepared.allocate().unwrap_or_else(|error| panic!("{name}: {error}"));
    let choose = |losses: &_| prepared.allocate_by_losses(losses);
    let job = Job {
        graph,
        allocation: &allocation,
        choose: Some(&choose),
        scheme,
        normalisations: &[],
        initial: None,
        settings: &model.training,
        dataset: &dataset,
    };
    let files = ["float", "quantised"].map(|file| package.path(&format!("{file}.checkpoint")));
    let quantised = |_: &_| Ok(files[1].clone());
    let checkpoints = Checkpoints { float: &files[0], quantised: &quantised, use_finished: false };
    let trained = train_job(job, checkpoints, &mut Group::Alone, &mut ())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let allocation = &trained.allocation;
    let converted = convert(graph, allocation, scheme, &trained.network).unwrap();
    let widths = converted.layers.iter().map(|named| named.layer.output().bits);
    let few = widths.filter(|bits| bits.count() < 8).count();
    let narrow = converted
        .layers
        .iter()
        .filter_map(|named| named.layer.weights())
        .filter(|(_, _, _, bits)| bits.count() < 8);
    assert!(few + narrow.count() > 0, "{name}: the budget cuts");
    let (mut tally, mut differing) = (Tally::default(), 0);
    for image in 0..dataset.test.len() {
        let logits = compare(
            graph,
            (allocation, scheme),
            &trained.network,
            &converted,
            dataset.test.image(image),
            &mut tally,
            image as u64,
        );
        let answer = (0..logits.len()).max_by_key(|class| (logits[*class], std::cmp::Reverse(*class)));
        let fake_quantised = trained.fake_quant_answers.labels()[image];
        differing += usize::from(answer != Some(usize::from(fake_quantised)));
    }
    println!(
        "{name}: float {}, fake-quantised {}, {differing} of {} images differ; {:?}",
        trained.float_accuracy,
        trained.fake_quant_accuracy,
        dataset.test.len(),
        tally.operators
    );
    assert_eq!(tally.outputs, if name.starts_with("gates") { 0 } else { dataset.test.len() });
    assert!(trained.float_accuracy > 0.2, "{name} learns");
    assert!(differing <= 3, "{name}: {differing} images");
}
