//! Checkpoints that are whole, but not what a network's training can go on from.

use super::*;
use crate::settings::OptimiserKind;
use crate::train::oscillations::Oscillations;

/// A convolution of two filters with the bound of its activation, and a linear layer.
fn network() -> Parameters {
    let shapes: [(&str, &[i64]); 5] = [
        ("conv.weight", &[2, 1, 3, 3]),
        ("conv.norm.gamma", &[2]),
        ("conv.activation.high", &[]),
        ("linear.weight", &[3, 8]),
        ("linear.bias", &[3]),
    ];
    let tensor = |(index, (name, shape)): (usize, (&str, &[i64]))| {
        let count: i64 = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|value| (index as f32 + 1.0) / (value as f32 + 3.0)).collect();
        (name.to_string(), Tensor::from_slice(&values).reshape(shape))
    };
    shapes.into_iter().enumerate().map(tensor).collect()
}

/// In the middle of its second epoch of three.
fn state() -> State {
    let machine = Machine { threads: 3, cpu: "a processor".to_string() };
    let mut state = State::new(network(), true, OptimiserKind::Adam, machine);
    state.optimiser.steps = 12;
    for (name, tensor) in network() {
        state.optimiser.moments.insert(name, vec![&tensor * 0.1, &tensor * 0.01]);
    }
    let weights = network().into_iter().filter(|(name, _)| name.ends_with("weight"));
    state.oscillations = weights.map(|(name, tensor)| (name, Oscillations::new(&tensor))).collect();
    (state.epoch, state.batch, state.images) = (1, 2, 345);
    (state.loss_sum, state.seconds) = (0.1 + 0.2, 1.0 / 3.0);
    state.best = Some(Best { accuracy: 0.7, loss: 1e-300, parameters: network() });
    state
}

fn load(checkpoint: &Checkpoint, change: fn(&mut Wanted<'_>)) -> Result<Option<State>, String> {
    let tensors = network();
    let mut wanted = Wanted {
        optimiser: OptimiserKind::Adam,
        epochs: 3,
        averaged: true,
        oscillations: true,
        tensors: &tensors,
        bounds: true,
        device: Device::Cpu,
    };
    change(&mut wanted);
    checkpoint.load(&wanted)
}

/// Why a state that was saved is not used.
fn reason(change: impl Fn(&mut State)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("float-1.checkpoint");
    let checkpoint = Checkpoint::new(&path, None);
    let mut state = state();
    change(&mut state);
    checkpoint.save(&state).unwrap();
    let reason = load(&checkpoint, |_| ()).err().expect("it is not used");
    let start = format!("the checkpoint {} is not used: ", path.display());
    reason.strip_prefix(&start).unwrap_or_else(|| panic!("{reason}")).to_string()
}

#[test]
fn a_state_comes_back_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::new(&folder.path().join("float-1.checkpoint"), None);
    assert!(load(&checkpoint, |_| ()).unwrap().is_none(), "there is none");
    let saved = state();
    checkpoint.save(&saved).unwrap();
    let found = load(&checkpoint, |_| ()).unwrap().unwrap();
    let numbers = |state: &State| {
        let floats = [state.loss_sum, state.seconds].map(f64::to_bits);
        (state.epoch, state.batch, state.images, state.optimiser.steps, floats, state.machine.clone())
    };
    assert_eq!(numbers(&found), numbers(&saved));
    let same = |a: &Parameters, b: &Parameters| {
        a.keys().eq(b.keys()) && a.iter().zip(b).all(|((_, a), (_, b))| a.size() == b.size() && a == b)
    };
    assert!(same(&found.parameters, &saved.parameters));
    assert!(same(found.average.as_ref().unwrap(), saved.average.as_ref().unwrap()));
    assert!(found.oscillations.keys().eq(saved.oscillations.keys()));
    let oscillations = |state: &State| -> Vec<Tensor> {
        state.oscillations.values().flat_map(Oscillations::tensors).map(Tensor::copy).collect()
    };
    assert_eq!(oscillations(&found), oscillations(&saved));
    let (found_best, best) = (found.best.unwrap(), saved.best.unwrap());
    assert_eq!((found_best.accuracy, found_best.loss), (best.accuracy, best.loss));
    assert!(same(&found_best.parameters, &best.parameters));
    let (found, saved) = (found.optimiser.moments, saved.optimiser.moments);
    assert!(found.keys().eq(saved.keys()));
    assert!(found.values().flatten().zip(saved.values().flatten()).all(|(a, b)| a == b));
}

#[test]
fn values_that_are_no_numbers_are_not_used() {
    for number in [f32::NAN, f32::INFINITY] {
        let bad = || Tensor::from_slice(&[1.0, number]);
        let name = "conv.norm.gamma";
        let expected = |group: &str| format!("values of `{group}/{name}` are not numbers");
        let replace = |parameters: &mut Parameters| {
            parameters.insert(name.to_string(), bad());
        };
        assert_eq!(reason(|state| replace(&mut state.parameters)), expected("parameters"));
        assert_eq!(reason(|state| replace(state.average.as_mut().unwrap())), expected("average"));
        assert_eq!(reason(|state| replace(&mut state.best.as_mut().unwrap().parameters)), expected("best"));
        let moment = |state: &mut State| state.optimiser.moments.get_mut(name).unwrap()[1] = bad();
        assert_eq!(reason(moment), expected("squares"));
    }
    // JSON has no such numbers.
    assert!(reason(|state| state.loss_sum = f64::NAN).starts_with("its numbers: "));
}

#[test]
fn tensors_that_are_not_the_networks_are_not_used() {
    let rename = |parameters: &mut Parameters, from: &str, to: &str| {
        let tensor = parameters.remove(from).unwrap();
        parameters.insert(to.to_string(), tensor);
    };
    let found = reason(|state| rename(&mut state.parameters, "linear.bias", "other.bias"));
    assert_eq!(found, "the network has no `other.bias`");
    let found = reason(|state| {
        state.best.as_mut().unwrap().parameters.remove("conv.activation.high");
    });
    assert_eq!(found, "the network's `conv.activation.high` is not there");
    let found = reason(|state| {
        let average = state.average.as_mut().unwrap();
        average.insert("linear.weight".to_string(), Tensor::from_slice(&[1f32; 24]).reshape([8, 3]));
    });
    assert_eq!(found, "`linear.weight` has shape [8, 3], and the network has [3, 8]");
    let found = reason(|state| state.average = None);
    assert_eq!(found, "a part of it is not there");
    let found = reason(|state| state.parameters.clear());
    assert_eq!(found, "a part of it is not there");
    let found = reason(|state| {
        state.optimiser.moments.remove("linear.weight");
    });
    assert_eq!(found, "some moments of its optimiser are not there");
    let found = reason(|state| {
        state.optimiser.moments.get_mut("linear.bias").unwrap()[0] = Tensor::from_slice(&[0f32; 2]);
    });
    assert_eq!(found, "moments of `linear.bias` are of another shape");
    let found = reason(|state| state.oscillations.clear());
    assert_eq!(found, "some codes of its weights are not there");
    let found = reason(|state| {
        state.oscillations.get_mut("linear.weight").unwrap().turns = Tensor::from_slice(&[0f32; 2]);
    });
    assert_eq!(found, "codes of `linear.weight` are of another shape");
    assert_eq!(reason(|state| state.epoch = 4), "it has 4 epochs of 3");
    assert_eq!(reason(|state| state.epoch = 3), "a part of it is not there");
}

/// A float network has no bounds, or those of another scheme.
#[test]
fn bounds_of_a_float_network_do_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::new(&folder.path().join("float-1.checkpoint"), None);
    let mut state = state();
    for group in [&mut state.parameters, state.average.as_mut().unwrap()] {
        group.remove("conv.activation.high");
        group.insert("conv.weight.low".to_string(), Tensor::from(-1f32));
    }
    state.optimiser.moments.remove("conv.activation.high");
    checkpoint.save(&state).unwrap();
    assert!(load(&checkpoint, |wanted| wanted.bounds = false).unwrap().is_some());
    assert!(load(&checkpoint, |_| ()).is_err());
}

#[test]
fn a_checkpoint_knows_its_name_and_the_float_network_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let [path, other] =
        ["quantised-1.checkpoint", "quantised-2.checkpoint"].map(|name| folder.path().join(name));
    let float = network();
    Checkpoint::new(&path, Some(&float)).save(&state()).unwrap();
    assert!(load(&Checkpoint::new(&path, Some(&float)), |_| ()).unwrap().is_some());
    // Bounds do not belong to the float network.
    let mut same = network();
    same.insert("conv.activation.high".to_string(), Tensor::from(4f32));
    assert!(load(&Checkpoint::new(&path, Some(&same)), |_| ()).unwrap().is_some());
    let mut another = network();
    another.insert("linear.bias".to_string(), Tensor::from_slice(&[0f32; 3]));
    let error = load(&Checkpoint::new(&path, Some(&another)), |_| ()).err().unwrap();
    assert!(error.ends_with("it is of another training"), "{error}");
    std::fs::copy(&path, &other).unwrap();
    let error = load(&Checkpoint::new(&other, Some(&float)), |_| ()).err().unwrap();
    assert!(error.ends_with("it is of another training") && error.contains("quantised-2"), "{error}");
}
