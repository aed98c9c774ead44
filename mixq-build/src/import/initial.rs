//! Trained weights as the parameters of a network.
//!
//! Names and axes are those of PyTorch's state dictionaries. Layer `conv1` has `conv1.weight` and may have
//! `conv1.bias`. Its batch norm has `weight`, `bias`, `running_mean` and `running_var`: they are called
//! after `conv1.norm`, or after the batch norm if that is a layer of its own in the list. `conv1.range` may
//! hold the smallest and the largest value of the layer's output.

mod image;
mod reader;

use crate::error::{Error, Problem};
use crate::graph::op::Weights;
use crate::graph::{Graph, InputSpec, Op, Shape, Source};

use super::weights::Tensors;
use super::{Imported, InputNormalisation, WeightsFile};
use reader::Reader;

/// The parameters that a training begins with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Initial {
    /// By node; `None` for a node without weights or slopes.
    pub layers: Vec<Option<LayerWeights>>,
    /// By node: the smallest and the largest value of its output, where the file says so.
    pub ranges: Vec<Option<[f32; 2]>>,
    /// What looks like a mistake.
    pub warnings: Vec<String>,
}

/// The parameters of a layer, of float numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// `[out, in, height, width]`; of a depthwise layer `[channels, 1, height, width]`; of a linear layer
    /// `[out, pixel, in]`; of a PReLU `[channels]`; of constants `[channels, height, width]`.
    pub weight: Vec<f32>,
    /// What follows the sums.
    pub after: After,
}

/// What follows the sums of a layer, by output channel.
#[derive(Clone, Debug, PartialEq)]
pub enum After {
    /// Nothing: it is a PReLU, whose weights are slopes, or a layer with constants, which are its weights.
    Nothing,
    /// A summand.
    Bias(Vec<f32>),
    /// `gamma * (sum - mean) / sqrt(variance + 1e-5) + beta`.
    Norm {
        /// Factors.
        gamma: Vec<f32>,
        /// Summands.
        beta: Vec<f32>,
        /// Running means.
        mean: Vec<f32>,
        /// Running variances.
        variance: Vec<f32>,
    },
}

/// The parameters of a network from the tensors of a file, for codes as the device has them: what
/// `normalisations` say is in the weights and biases of the layers that read inputs.
///
/// # Errors
/// All tensors that are missing, of another shape, or not finite.
pub fn initial(
    imported: &Imported,
    graph: &Graph,
    file: &WeightsFile,
    tensors: &Tensors,
) -> Result<Initial, Error> {
    let inputs = &imported.spec.inputs;
    let given: Vec<Option<&InputNormalisation>> =
        (0..inputs.len()).map(|input| imported.normalisations.get(input)?.as_ref()).collect();
    let unknown = (0..inputs.len()).filter(|input| given[*input].is_none());
    let unknown: Vec<Problem> = unknown.map(|input| unknown_normalisation(file, inputs, input)).collect();
    if !unknown.is_empty() {
        return Err(Error { problems: unknown });
    }
    let given: Vec<&InputNormalisation> = given.into_iter().flatten().collect();
    let (norms, transposed) = (imported.spec.batch_norms(), imported.spec.transposed());
    let mut reader = Reader::new(file, tensors);
    let mut initial =
        Initial { warnings: given.iter().filter_map(|one| one.warning()).collect(), ..Initial::default() };
    for (index, node) in graph.nodes.iter().enumerate() {
        let channels = node.output.channels;
        let layer = node.op.weights().and_then(|layout| {
            let axes = Axes { transposed: transposed.contains(&node.name), ..axes(graph, index, layout) };
            if layout == Weights::Elements {
                let constants = reader.constants(&format!("{}.weight", node.name), node.output);
                return constants.map(|weight| LayerWeights { weight, after: After::Nothing });
            }
            // A batch norm that stands alone has factors of its own.
            let weight = match norms.get(&node.name) {
                Some(norm) if *norm == node.name => Some(vec![1.0; channels]),
                Some(_) | None => reader.weight(&format!("{}.weight", node.name), &axes),
            };
            let bias = reader.optional(&format!("{}.bias", node.name), channels);
            let norm = norms.get(&node.name).cloned().unwrap_or_else(|| format!("{}.norm", node.name));
            let after =
                if node.norm { reader.norm(&norm, channels, bias) } else { reader.bias(bias, channels) };
            Some(LayerWeights { weight: weight?, after: after? })
        });
        let layer = if let Op::Prelu(_) = node.op {
            let slopes = reader.slopes(&format!("{}.weight", node.name), channels);
            slopes.map(|weight| LayerWeights { weight, after: After::Nothing })
        } else {
            layer
        };
        initial.layers.push(layer);
        initial.ranges.push(reader.range(&node.name, node.op.output().has_own_grid()));
    }
    initial.warnings.extend(reader.finish()?);
    image::normalise(graph, &given, &mut initial);
    Ok(initial)
}

#[cfg(feature = "weights")]
impl Imported {
    /// The parameters of its weights' file, and the SHA-256 of that file; `None` if it comes without weights.
    ///
    /// # Errors
    /// The file cannot be read, and as [`initial`].
    pub fn initial(&self, graph: &Graph) -> Result<Option<(Initial, String)>, Error> {
        let Some(file) = &self.weights else { return Ok(None) };
        let (tensors, digest) = super::weights::read(file)?;
        Ok(Some((initial(self, graph, file, &tensors)?, digest)))
    }
}

/// What a network with weights lacks that does not say what the layers read that read this one of its inputs.
pub(super) fn unknown_normalisation(file: &WeightsFile, inputs: &[InputSpec], input: usize) -> Problem {
    if let [_, _, ..] = inputs {
        let name = &inputs[input].name;
        let message = format!(
            "the network has `weights`, but no `normalisation` of its input `{name}`: what layers read is \
             not known"
        );
        let help = format!(
            "say how pixels of 0 to 255 were changed, for example {name} = {{ shape = [...], normalisation = \
             {{ mean = 0, std = 255 }} }} for pixels divided by 255"
        );
        return Problem::new(message).help(help).at(file.location.clone());
    }
    if super::is_foreign(&file.path) {
        let shown = file.path.display();
        let message =
            format!("{shown} does not say how pixels were changed before its first layer read them");
        let help = "say it beside `network`: input = { mean = 0, std = 255 } for pixels divided \
                    by 255, input = { mean = 127.5, std = 127.5 } for -1 to 1";
        return Problem::new(message).help(help);
    }
    Problem::new("the network has `weights`, but no `normalisation`: what its first layer read is not known")
        .help(
            "say how pixels of 0 to 255 were changed: (pixel - mean) / std, for example normalisation = \
             { mean = 0, std = 255 } for pixels divided by 255",
        )
        .at(file.location.clone())
}

/// The axes of a node's weights in a file.
struct Axes {
    layout: Weights,
    /// Output channels.
    outputs: usize,
    /// What a linear layer reads, before it was flattened.
    input: Shape,
    /// Whether it is a transposed convolution, whose file has input channels first and windows turned round.
    transposed: bool,
}

fn axes(graph: &Graph, node: usize, layout: Weights) -> Axes {
    let mut source = graph.nodes[node].inputs[0];
    let mut input = graph.shape(source);
    if layout == Weights::Dense {
        while let Source::Node(before) = source
            && graph.nodes[before].op.output() == crate::graph::op::Output::InputTensor
        {
            source = graph.nodes[before].inputs[0];
            input = graph.shape(source);
        }
    }
    Axes { layout, outputs: graph.nodes[node].output.channels, input, transposed: false }
}

impl Axes {
    /// The shapes that a file may give them: PyTorch's first, then those that mean the same.
    fn shapes(&self) -> Vec<Vec<usize>> {
        let Axes { outputs, input, .. } = *self;
        let (first, [height, width]) = match self.layout {
            Weights::Filters { kernel, .. } if self.transposed => ([input.channels, outputs], kernel),
            Weights::Filters { kernel, groups } => ([outputs, input.channels / groups], kernel),
            Weights::Channels { kernel } => ([outputs, 1], kernel),
            Weights::Elements => unreachable!("constants have shapes of their own"),
            Weights::Dense => {
                let Shape { height, width, channels } = input;
                return vec![vec![outputs, input.elements()], vec![outputs, channels, height, width]];
            }
        };
        let mut shapes = vec![[first, [height, width]].concat()];
        // Convolutions along one axis, and linear layers that are convolutions of single pixels.
        match [height, width] {
            [1, 1] => {
                shapes.extend([first.to_vec(), [&first[..], &[1]].concat()]);
                // A factor for each channel, as of an affine layer.
                shapes.extend(matches!(self.layout, Weights::Channels { .. }).then(|| vec![outputs]));
            }
            [1, size] | [size, 1] => shapes.push([&first[..], &[size]].concat()),
            [_, _] => {}
        }
        shapes
    }

    /// Values of a file in the order of [`LayerWeights::weight`]: PyTorch flattens channel after channel,
    /// mixq pixel after pixel.
    fn ordered(&self, values: &[f32]) -> Vec<f32> {
        if self.transposed {
            return turned(values, self.input.channels, self.outputs);
        }
        let pixels = self.input.height * self.input.width;
        if self.layout != Weights::Dense || pixels == 1 {
            return values.to_vec();
        }
        let pixel_by_pixel = |filter: &[f32]| -> Vec<f32> {
            let pixel = |pixel: usize| filter.iter().skip(pixel).step_by(pixels).copied();
            (0..pixels).flat_map(pixel).collect()
        };
        values.chunks(self.input.elements()).flat_map(pixel_by_pixel).collect()
    }
}

/// Weights `[in, out, window]` as `[out, in, window]`, with each window turned by half a turn.
fn turned(values: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let taps = values.len() / (inputs * outputs);
    let window = |(output, input)| values[(input * outputs + output) * taps..][..taps].iter().rev().copied();
    let all = (0..outputs).flat_map(|output| (0..inputs).map(move |input| (output, input)));
    all.flat_map(window).collect()
}

#[cfg(test)]
mod tests;
