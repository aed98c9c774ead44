//! Batches in parts, and processes that go on together.

use super::super::equalise;
use super::super::state::{State, copies};
use super::*;
use crate::settings::OptimiserKind;
use crate::train::device::Machine;

const PLAIN: &str = r#"
    input = [6, 5, 2]
    layer = [
        { op = "conv", filters = 6, kernel = 3, batch_norm = false },
        { op = "depthwise", kernel = 3, stride = 2, batch_norm = false },
        { op = "linear", features = 3 },
    ]
"#;

fn machine() -> Machine {
    Machine { threads: 1, cpu: String::new() }
}

/// Calls with a phase of float training and a fresh model; all of one seed are the same.
fn with_phase<T>(
    network: &str,
    seed: u64,
    settings: &Training,
    then: impl FnOnce(&Phase<'_>, &mut Model<'_>, &mut State) -> T,
) -> T {
    let graph = Graph::resolve(&layers::parse(Path::new("network.toml"), network).unwrap()).unwrap();
    let scheme = Scheme::PerChannel;
    let allocation = allocate_uniformly(&graph, Bits::B8, u64::MAX, u64::MAX, scheme).unwrap();
    let split = images(&graph, 1);
    let all = Images::all(&split);
    let normalisation = Normalisation::of_inputs(&all, &graph.inputs);
    tch::manual_seed(seed as i64);
    let mut model = Model::new(&graph, &allocation, scheme, Rounding::Nearest, &normalisation, Device::Cpu);
    unsettle(&mut model, seed);
    let fit = Fit::default();
    let phase = phase((settings, scheme, false), &fit, &all);
    let mut state = State::new(model.snapshot(), true, OptimiserKind::Sgd, machine());
    then(&phase, &mut model, &mut state)
}

/// Without batch norm, the mean of the gradients of all parts is the gradient of the batch.
#[test]
fn parts_of_a_batch_teach_what_the_whole_batch_teaches() {
    let learned = |shards: u32| {
        let _turn = take_turn(1, 7);
        let settings = Training { shards, shift: 0, ..Training::default() };
        with_phase(PLAIN, 7, &settings, |phase, model, state| {
            let mode = phase.ready(model, state);
            let indices: Vec<usize> = (0..50).collect();
            let step = phase.step(model, state, mode, (&indices, 1), (&mut Group::Alone, false)).unwrap();
            (step.loss, model.snapshot())
        })
    };
    let (loss, whole) = learned(1);
    // Parts of 16 and 17 images.
    let (in_parts, parts) = learned(3);
    assert!((loss - in_parts).abs() < 1e-5 * loss, "{loss} {in_parts}");
    let mut moved = 0.0f64;
    let (_, before) = with_phase(PLAIN, 7, &Training::default(), |_, model, _| (0, model.snapshot()));
    for (name, tensor) in &whole {
        let distance = (tensor - &parts[name]).abs().max().double_value(&[]);
        let change = (tensor - &before[name]).abs().max().double_value(&[]);
        assert!(distance <= 1e-4 * change + 1e-7, "{name}: {distance} of {change}");
        moved = moved.max(change);
    }
    assert!(moved > 1e-5, "something is learned: {moved}");
}

/// Each part has its own batch norm; the running statistics are the mean of those after each part.
#[test]
fn running_statistics_are_the_mean_of_those_of_the_parts() {
    let _turn = take_turn(1, 3);
    let statistics = |shards: u32, indices: &[usize]| {
        let settings = Training { shards, shift: 0, ..Training::default() };
        with_phase(NETWORK, 3, &settings, |phase, model, state| {
            let mode = phase.ready(model, state);
            phase.step(model, state, mode, (indices, 1), (&mut Group::Alone, false)).unwrap();
            let is_mean = |name: &str| Part::of(name) == Some(Part::Mean);
            let means = model.tensors.iter().filter(|(name, _)| is_mean(name));
            means.map(|(_, tensor)| tensor.detach().copy()).collect::<Vec<_>>()
        })
    };
    let all: Vec<usize> = (0..20).collect();
    let together = statistics(2, &all);
    let halves = [statistics(1, &all[..10]), statistics(1, &all[10..])];
    assert!(together.len() > 3);
    for (index, found) in together.iter().enumerate() {
        let expected = (&halves[0][index] + &halves[1][index]) / 2.0;
        assert!((found - expected).abs().max().double_value(&[]) < 1e-5);
    }
}

/// Calls with the group of each of `size` processes, here threads.
#[cfg(feature = "distributed")]
fn in_processes<T: Send>(size: usize, each: impl Fn(&mut Group) -> T + Sync) -> Vec<T> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let of_rank = |rank| each(&mut Group::at(rank, size, port).unwrap());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..size).map(|rank| scope.spawn(move || of_rank(rank))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Each process looks at some of the images, and all find the ranges and factors that one finds.
#[cfg(feature = "distributed")]
#[test]
fn calibration_by_turns_finds_what_one_process_finds() {
    use std::sync::Mutex;

    let _turn = take_turn(1, 6);
    // Threads share libtorch's random generator: all begin with this network.
    let network = with_phase(NETWORK, 6, &Training::default(), |_, model, _| model.snapshot());
    let before = Mutex::new(copies(&network));
    let calibrated = |group: &mut Group, synthetic: bool, shards: u32| {
        with_phase(NETWORK, 6, &Training::default(), |phase, model, _| {
            model.tensors = copies(&before.lock().unwrap());
            let calibration = Calibration { images: phase.train, synthetic, shards };
            equalise::equalise(model, &calibration, group).unwrap();
            calibrate(model, &calibration, Bounds::Data, group).unwrap();
            model.snapshot()
        })
    };
    // With one part, one of three processes looks at all images.
    for (synthetic, shards) in [(false, 12), (false, 5), (false, 1), (true, 12)] {
        let alone = calibrated(&mut Group::Alone, synthetic, shards);
        for found in in_processes(3, |group| calibrated(group, synthetic, shards)) {
            assert_eq!(found.len(), alone.len());
            assert!(alone.iter().all(|(name, tensor)| found[name] == *tensor), "{synthetic} {shards}");
        }
    }
    assert!(calibrated(&mut Group::Alone, false, 12).iter().any(|(name, tensor)| network[name] != *tensor));
}

/// Two processes, here threads, whose machines have rounded in another way.
#[cfg(feature = "distributed")]
#[test]
fn all_go_on_from_the_network_of_the_first_process() {
    use super::super::checkpoint::{Checkpoint, values_digest};
    use super::super::state::Best;

    struct Warnings(Vec<String>);
    impl crate::observer::Observer for Warnings {
        fn warn(&mut self, warning: &str) {
            self.0.push(warning.to_string());
        }
    }

    let _turn = take_turn(1, 5);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("float-x.checkpoint");
    let of_rank = |group: &mut Group| {
        let rank = group.rank();
        let settings = Training { epochs: Some(3), average: 0.9, ..Training::default() };
        with_phase(PLAIN, 20 + rank as u64, &settings, |phase, model, state| {
            state.epoch = 1;
            let best = copies(&state.parameters);
            state.best = Some(Best { accuracy: 0.5 + rank as f64, loss: 1.0, parameters: best });
            let checkpoint = Checkpoint::new(&path, None);
            let (before, mut warnings) = (values_digest(state), Warnings(Vec::new()));
            phase.keep_together(model, state, &checkpoint, group, &mut warnings).unwrap();
            let after = values_digest(state);
            // Now all are the same, and nothing is said.
            phase.keep_together(model, state, &checkpoint, group, &mut warnings).unwrap();
            assert_eq!(values_digest(state), after);
            (before, after, warnings.0)
        })
    };
    let found = in_processes(2, of_rank);
    let [first, second] = &found[..] else { unreachable!() };
    assert_ne!(first.0, second.0);
    assert_eq!((&first.1, &second.1), (&first.0, &first.0));
    for (_, _, warnings) in &found {
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(warning.contains("after float epoch 1 the network of rank 1 is another one"), "{warning}");
    }
}
