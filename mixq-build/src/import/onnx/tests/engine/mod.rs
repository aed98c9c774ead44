//! Random networks, executed by rten, which is another engine, and in floats as they are imported.
//!
//! Each begins with an image, a series or a row, which some operators follow with attributes by chance. What
//! mixq refuses it must say why; what it imports must answer what rten does.

mod graph;
mod moves;
mod numbers;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use rten::{Model, Value as Answer};
use rten_tensor::{AsView, Layout};

use super::*;
use crate::error::Problem;
use graph::{Graph, Tensor};

/// How far answers may be apart, as a share of their range.
const TOLERANCE: f32 = 1e-4;

/// How many networks are made.
const NETWORKS: u64 = 1600;

/// What mixq makes of a network: `Ok` if it answers the same, or is refused for the reason that is said.
struct Shown {
    operators: Vec<&'static str>,
    refusal: Option<String>,
    /// Where it answers something else.
    fault: Option<String>,
}

/// Dimensions and numbers of an output.
type Numbers = (Vec<usize>, Vec<f32>);

/// What rten answers: each output.
fn answers_of_rten(
    file: &[u8],
    inputs: &[(Tensor, Vec<f32>)],
    names: &[&str],
) -> Result<Vec<Numbers>, String> {
    let model = Model::load(file.to_vec()).map_err(|error| format!("rten: {error}"))?;
    let input = |(tensor, x): &(Tensor, Vec<f32>)| {
        let value = Answer::from_shape(&tensor.dims[..], x.clone()).unwrap();
        (model.node_id(&tensor.name).unwrap(), value.into())
    };
    let inputs = inputs.iter().map(input).collect();
    let ids: Vec<_> = names.iter().map(|name| model.node_id(name).unwrap()).collect();
    let answers = model.run(inputs, &ids, None).map_err(|error| format!("rten: {error}"))?;
    let numbers = |answer: Answer| match answer {
        Answer::FloatTensor(tensor) => (tensor.shape().to_vec(), tensor.to_vec()),
        _ => panic!("rten answers no floats"),
    };
    Ok(answers.into_iter().map(numbers).collect())
}

/// Makes a network by chance, and compares both.
fn compare(seed: u64) -> Shown {
    let graph = Graph::random(seed);
    let (operators, text) = (graph.operators.clone(), graph.text.clone());
    let values = |(index, tensor): (usize, &Tensor)| {
        (tensor.clone(), numbers(tensor.dims.iter().product(), 2 * seed + index as u64))
    };
    let inputs: Vec<_> = graph.inputs().iter().enumerate().map(values).collect();
    let (file, names) = graph.finish();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let foreign = match foreign::parse(Path::new("model.onnx"), &file) {
        Ok(foreign) => foreign,
        Err(error) => {
            let problems = Error::from(error).problems;
            let reason = |it: &Problem| format!("{} ({})", it.message, it.help.as_deref().unwrap_or(""));
            let refusal = Some(problems.iter().map(reason).collect::<Vec<_>>().join("\n"));
            return Shown { operators, refusal, fault: None };
        }
    };
    let fault = differs(&foreign, &file, inputs, &names).map(|fault| format!("seed {seed}: {fault}\n{text}"));
    Shown { operators, refusal: None, fault }
}

/// The first number that mixq has and rten has not.
fn differs(
    foreign: &Foreign,
    file: &[u8],
    inputs: Vec<(Tensor, Vec<f32>)>,
    names: &[&str],
) -> Option<String> {
    let expected = match answers_of_rten(file, &inputs, names) {
        Ok(expected) => expected,
        Err(error) => return Some(error),
    };
    // What no node reads is no input.
    let read = |name: &str| foreign.inputs.iter().any(|input| input.name == name);
    let row = inputs.into_iter().filter(|(tensor, _)| read(&tensor.name)).flat_map(|(_, x)| x);
    let Some(found) = foreign.execute(&row.collect::<Vec<f32>>()) else {
        return Some("its end is not known".to_string());
    };
    for ((name, (dims, expected)), (found, _)) in names.iter().zip(&expected).zip(&found) {
        if found.dims != *dims {
            return Some(format!("{name} is {:?}, not {dims:?}", found.dims));
        }
        let range = expected.iter().fold(1e-3f32, |range, value| range.max(value.abs()));
        for (at, (found, expected)) in found.to_floats().iter().zip(expected).enumerate() {
            let near = (found - expected).abs() <= TOLERANCE * range;
            if !near {
                return Some(format!("element {at} of {name} is {found}, not {expected}"));
            }
        }
    }
    None
}

#[test]
fn random_networks_answer_as_another_engine_does() {
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    let mut made = BTreeSet::new();
    let (mut refusals, mut faults) = (Vec::new(), Vec::new());
    for seed in 0..NETWORKS {
        let Shown { operators, refusal, fault } = compare(seed);
        made.extend(operators.iter().copied());
        faults.extend(fault);
        match refusal {
            None => operators.into_iter().for_each(|operator| *compared.entry(operator).or_default() += 1),
            Some(reason) => refusals.push(reason),
        }
    }
    let shown = faults.len().min(10);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..shown].join("\n"));
    // Most networks are compared, and each operator in some of them.
    let few = made.iter().filter(|operator| !compared.contains_key(**operator));
    let few: Vec<&&str> = few.collect();
    assert!(few.is_empty(), "never compared: {few:?}");
    let unhelpful: Vec<&String> = refusals.iter().filter(|reason| reason.contains("()")).collect();
    assert!(unhelpful.is_empty(), "{unhelpful:?}");
    assert!(refusals.len() < NETWORKS as usize / 2, "{} refusals: {refusals:?}", refusals.len());
}
