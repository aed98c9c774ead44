//! A network that grows by chance.

use super::*;

/// Larger tensors are outputs.
const MOST_ELEMENTS: usize = 1 << 14;

/// A network on its way to a file.
pub struct Graph {
    network: Option<Network>,
    pub random: fastrand::Rng,
    pub opset: i64,
    /// The number of inputs.
    inputs: usize,
    /// All tensors but constants: first the inputs, the newest last.
    pub tensors: Vec<Tensor>,
    /// Names that a node reads.
    read: BTreeSet<String>,
    made: usize,
    /// The operators so far.
    pub operators: Vec<&'static str>,
    /// The nodes so far, for messages.
    pub text: String,
}

/// A tensor of a network.
#[derive(Clone, Debug)]
pub struct Tensor {
    pub name: String,
    pub dims: Vec<usize>,
}

/// What adds a node, or a few; `None` where it does not suit the tensor.
type Grow = fn(&mut Graph, &Tensor) -> Option<Tensor>;

impl Graph {
    pub fn random(seed: u64) -> Graph {
        let mut random = fastrand::Rng::with_seed(seed);
        let opset = *random.choice(&[7, 9, 11, 13, 17, 18, 20]).unwrap();
        let mut dims = || match random.u32(..8) {
            0 => vec![1, random.usize(1..20)],
            1 => vec![1, random.usize(1..9), random.usize(1..16)],
            _ => vec![1, random.usize(1..7), random.usize(1..12), random.usize(1..12)],
        };
        let (first, second) = (dims(), dims());
        let whole = |dims: &[usize]| -> Vec<i64> { dims.iter().map(|size| *size as i64).collect() };
        let mut network = Network::new(&whole(&first)).opset(opset);
        let mut tensors = vec![Tensor { name: "x".to_string(), dims: first.clone() }];
        // Now and then a second input, of the same shape or of another one.
        let more = [Some(second), Some(first), None, None, None, None];
        if let Some(dims) = more[random.usize(..more.len())].clone() {
            network = network.input("z", &whole(&dims));
            tensors.push(Tensor { name: "z".to_string(), dims });
        }
        let mut graph = Graph {
            network: Some(network),
            random,
            opset,
            inputs: tensors.len(),
            text: format!("opset {opset}, {tensors:?}\n"),
            tensors,
            read: BTreeSet::new(),
            made: 0,
            operators: Vec::new(),
        };
        let all: Vec<Grow> = [windows::ALL, numbers::ALL, moves::ALL].concat();
        // Layers with weights at both ends, as networks have them.
        let nodes = graph.random.usize(1..7);
        for at in 0..nodes {
            let ends = at == 0 || at + 1 == nodes;
            let choice = if ends && graph.random.u32(..4) > 0 { windows::WEIGHTED } else { &all };
            // The newest tensor, or now and then an older one.
            let back = if graph.random.u32(..6) == 0 { graph.random.usize(..graph.tensors.len()) } else { 0 };
            let tensor = graph.tensors[graph.tensors.len() - 1 - back].clone();
            let grow = *graph.random.choice(choice).unwrap();
            let elements: usize = tensor.dims.iter().product();
            if elements > MOST_ELEMENTS || tensor.dims.len() < 2 {
                break;
            }
            if let Some(made) = grow(&mut graph, &tensor) {
                graph.tensors.push(made);
            }
        }
        graph
    }

    /// What the network reads.
    pub fn inputs(&self) -> &[Tensor] {
        &self.tensors[..self.inputs]
    }

    /// The file, and the names of its outputs.
    pub fn finish(mut self) -> (Vec<u8>, Vec<String>) {
        if self.tensors.len() == self.inputs {
            let made = self.unary("Identity", &self.tensors[0].clone(), &[]);
            self.tensors.push(made);
        }
        let unread = self.tensors[self.inputs..].iter().map(|tensor| tensor.name.clone());
        let outputs: Vec<String> = unread.filter(|name| !self.read.contains(name)).collect();
        let names: Vec<&str> = outputs.iter().map(String::as_str).collect();
        let file = self.network.take().unwrap().bytes(&names);
        (file, outputs)
    }

    fn name(&mut self) -> String {
        self.made += 1;
        format!("t{}", self.made)
    }

    /// A constant of floats.
    pub fn floats(&mut self, dims: &[usize], values: &[f32]) -> String {
        let name = self.name();
        let dims: Vec<i64> = dims.iter().map(|size| *size as i64).collect();
        self.text += &format!("{name} = floats {dims:?}\n");
        self.network = self.network.take().map(|network| network.floats(&name, &dims, values));
        name
    }

    /// A constant of random floats between -1 and 1.
    pub fn weights(&mut self, dims: &[usize]) -> String {
        let count = dims.iter().product();
        let values: Vec<f32> = (0..count).map(|_| self.random.f32() * 2.0 - 1.0).collect();
        self.floats(dims, &values)
    }

    /// A constant list.
    pub fn list(&mut self, values: &[i64]) -> String {
        let name = self.name();
        self.text += &format!("{name} = {values:?}\n");
        let length = [values.len() as i64];
        self.network = self.network.take().map(|network| network.integers(&name, INT64, &length, values));
        name
    }

    /// A node with one output.
    pub fn node(
        &mut self,
        operator: &'static str,
        inputs: &[&str],
        attributes: &[(&str, Value)],
        dims: Vec<usize>,
    ) -> Tensor {
        let mut made = self.nodes(operator, inputs, attributes, &[dims]);
        made.remove(0)
    }

    /// A node with outputs of these dimensions.
    pub fn nodes(
        &mut self,
        operator: &'static str,
        inputs: &[&str],
        attributes: &[(&str, Value)],
        outputs: &[Vec<usize>],
    ) -> Vec<Tensor> {
        let made: Vec<Tensor> =
            outputs.iter().map(|dims| Tensor { name: self.name(), dims: dims.clone() }).collect();
        let names: Vec<&str> = made.iter().map(|tensor| tensor.name.as_str()).collect();
        self.read.extend(inputs.iter().map(|name| (*name).to_string()));
        self.operators.push(operator);
        self.text += &format!("{names:?} {outputs:?} = {operator} {inputs:?}");
        for (name, value) in attributes {
            self.text += &match value {
                Value::Int(value) => format!(" {name} {value}"),
                Value::Ints(values) => format!(" {name} {values:?}"),
                Value::Float(value) => format!(" {name} {value}"),
                Value::Floats(values) => format!(" {name} {values:?}"),
                Value::Text(text) => format!(" {name} {text}"),
            };
        }
        self.text += "\n";
        let network = self.network.take();
        self.network = network.map(|network| network.nodes(operator, inputs, &names, attributes));
        made
    }

    /// A node that keeps dimensions.
    pub fn unary(&mut self, operator: &'static str, x: &Tensor, attributes: &[(&str, Value)]) -> Tensor {
        self.node(operator, &[&x.name], attributes, x.dims.clone())
    }

    /// Another tensor with these dimensions.
    pub fn other(&mut self, x: &Tensor) -> Option<Tensor> {
        let alike: Vec<Tensor> =
            self.tensors.iter().filter(|tensor| tensor.dims == x.dims).cloned().collect();
        self.random.choice(&alike).cloned()
    }

    /// One chance of `of`.
    pub fn chance(&mut self, of: u32) -> bool {
        self.random.u32(..of) == 0
    }

    /// A number from `least` to `most`.
    pub fn whole(&mut self, least: usize, most: usize) -> usize {
        self.random.usize(least..=most)
    }
}
