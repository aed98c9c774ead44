//! Tensors of a file by name, with all that is wrong with them.

use std::collections::BTreeSet;

use super::{After, Axes};
use crate::error::{Error, Problem, nearest};
use crate::graph::Shape;
use crate::import::WeightsFile;
use crate::import::weights::{Tensor, Tensors};

/// Names that a warning lists.
const LISTED: usize = 5;

/// Takes tensors out of a file.
pub(super) struct Reader<'a> {
    file: &'a WeightsFile,
    tensors: &'a Tensors,
    used: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a WeightsFile, tensors: &'a Tensors) -> Reader<'a> {
        Reader { file, tensors, used: BTreeSet::new(), problems: Vec::new() }
    }

    /// The weights of a layer, in the order of mixq.
    pub(super) fn weight(&mut self, name: &str, axes: &Axes) -> Option<Vec<f32>> {
        let shapes = axes.shapes();
        let tensor = self.tensor(name, &shapes)?;
        let tensor = tensor.or_else(|| self.missing(name, &shapes[0]))?;
        Some(axes.ordered(&tensor.values))
    }

    /// The slopes of a PReLU: one for each channel, or one for all.
    pub(super) fn slopes(&mut self, name: &str, channels: usize) -> Option<Vec<f32>> {
        let shapes = [vec![channels], vec![1], vec![channels, 1, 1], vec![1, 1, channels]];
        let tensor = self.tensor(name, &shapes)?;
        let values = &tensor.or_else(|| self.missing(name, &shapes[0]))?.values;
        Some(if values.len() == 1 { vec![values[0]; channels] } else { values.clone() })
    }

    /// The constants of a tensor of `shape`, channel after channel. As in PyTorch, an axis of one element
    /// holds for the whole axis.
    pub(super) fn constants(&mut self, name: &str, shape: Shape) -> Option<Vec<f32>> {
        let whole = [shape.channels, shape.height, shape.width];
        let mut shapes = vec![whole.to_vec()];
        for ones in 0..8 {
            let axes: Vec<usize> =
                (0..3).map(|axis| if ones >> axis & 1 == 1 { 1 } else { whole[axis] }).collect();
            shapes.extend([[&[1], &axes[..]].concat(), axes]);
        }
        // Of a signal.
        shapes.extend((shape.height == 1).then(|| vec![shape.channels, shape.width]));
        shapes.extend([vec![1], vec![]]);
        let tensor = self.tensor(name, &shapes)?;
        let tensor = tensor.or_else(|| self.missing(name, &shapes[0]))?;
        let axes: Vec<usize> = match tensor.shape[..] {
            [channels, width] => vec![channels, 1, width],
            _ => [&[1, 1, 1], &tensor.shape[..]].concat().split_off(tensor.shape.len()),
        };
        let place =
            |at: [usize; 3]| (0..3).fold(0, |place, axis| place * axes[axis] + at[axis].min(axes[axis] - 1));
        let [channels, height, width] = whole.map(|size| 0..size);
        let all = channels.flat_map(|c| {
            let (height, width) = (height.clone(), width.clone());
            height.flat_map(move |y| width.clone().map(move |x| [c, y, x]))
        });
        Some(all.map(|at| tensor.values[place(at)]).collect())
    }

    /// A value for each channel; `Some(None)` if there is no such tensor, `None` if it is wrong.
    pub(super) fn optional(&mut self, name: &str, channels: usize) -> Option<Option<&'a [f32]>> {
        Some(self.tensor(name, &[vec![channels]])?.map(|tensor| &tensor.values[..]))
    }

    fn required(&mut self, name: &str, channels: usize) -> Option<&'a [f32]> {
        self.optional(name, channels)?
            .or_else(|| self.missing(name, &[channels]).map(|found| &found.values[..]))
    }

    /// What [`Reader::optional`] found of a bias; without one it is 0.
    pub(super) fn bias(&self, bias: Option<Option<&[f32]>>, channels: usize) -> Option<After> {
        Some(After::Bias(bias?.map_or_else(|| vec![0.0; channels], <[f32]>::to_vec)))
    }

    /// A batch norm; a bias before it moves its means.
    pub(super) fn norm(
        &mut self,
        name: &str,
        channels: usize,
        bias: Option<Option<&[f32]>>,
    ) -> Option<After> {
        // One without factors and summands (`affine=False`) has 1 and 0.
        let factors = self.optional(&format!("{name}.weight"), channels);
        let summands = self.optional(&format!("{name}.bias"), channels);
        let mean = self.required(&format!("{name}.running_mean"), channels);
        let variance_name = format!("{name}.running_var");
        let variance = self.required(&variance_name, channels);
        if let Some(place) = variance.and_then(|values| values.iter().position(|value| *value < 0.0)) {
            self.wrong(
                format!("`{variance_name}` is negative for channel {place}"),
                "a variance is 0 or more",
            );
        }
        let (bias, mut mean) = (bias?, mean?.to_vec());
        for (mean, bias) in mean.iter_mut().zip(bias.into_iter().flatten()) {
            *mean -= bias;
        }
        Some(After::Norm {
            gamma: factors?.map_or_else(|| vec![1.0; channels], <[f32]>::to_vec),
            beta: summands?.map_or_else(|| vec![0.0; channels], <[f32]>::to_vec),
            mean,
            variance: variance?.to_vec(),
        })
    }

    /// The range of a layer's output, where there may be one.
    pub(super) fn range(&mut self, layer: &str, allowed: bool) -> Option<[f32; 2]> {
        let name = format!("{layer}.range");
        let tensor = self.tensor(&name, &[vec![2]])??;
        let range = [tensor.values[0], tensor.values[1]];
        if !allowed {
            let help = "it has the range of what it reads: leave the tensor out";
            self.wrong(format!("`{name}` is the range of a layer that changes no values"), help);
        } else if !(range[0] <= 0.0 && range[1] > 0.0) {
            let message = format!("`{name}` is from {} to {}", range[0], range[1]);
            self.wrong(message, "a range begins at 0 or below and ends above 0");
        }
        Some(range)
    }

    /// A tensor of one of these shapes; `Some(None)` if there is none of this name.
    fn tensor(&mut self, name: &str, shapes: &[Vec<usize>]) -> Option<Option<&'a Tensor>> {
        let Some(tensor) = self.tensors.get(name) else { return Some(None) };
        self.used.insert(name.to_string());
        if !shapes.contains(&tensor.shape) {
            let (found, wanted) = (&tensor.shape, &shapes[0]);
            let help = "the layer list and the network that was trained differ here";
            self.wrong(format!("`{name}` has shape {found:?}, and the layer needs {wanted:?}"), help);
            return None;
        }
        if let Some(place) = tensor.values.iter().position(|value| !value.is_finite()) {
            let value = tensor.values[place];
            let message = format!("`{name}` is {value} at element {place}");
            self.wrong(message, "its training diverged: take weights of an earlier epoch");
            return None;
        }
        Some(Some(tensor))
    }

    fn missing(&mut self, name: &str, shape: &[usize]) -> Option<&'a Tensor> {
        let unused = self.tensors.keys().filter(|known| !self.used.contains(*known)).map(String::as_str);
        let help = match nearest(name, unused) {
            Some(near) => format!("the file has `{}`: name the layer after it", near.escape_debug()),
            None => "layers have the names that they have in the file".to_string(),
        };
        self.wrong(format!("there is no `{name}` of shape {shape:?}"), &help);
        None
    }

    fn wrong(&mut self, message: String, help: &str) {
        let message = format!("{}: {message}", self.file.path.display());
        self.problems.push(Problem::new(message).help(help).at(self.file.location.clone()));
    }

    /// All problems, or a warning of what was not asked for.
    pub(super) fn finish(self) -> Result<Option<String>, Error> {
        if !self.problems.is_empty() {
            return Err(Error { problems: self.problems });
        }
        let unused: Vec<&str> =
            self.tensors.keys().map(String::as_str).filter(|name| !self.used.contains(*name)).collect();
        let more = unused.len().saturating_sub(LISTED);
        let listed: Vec<String> =
            unused.iter().take(LISTED).map(|name| format!("`{}`", name.escape_debug())).collect();
        let listed = listed.join(", ");
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let path = self.file.path.display();
        Ok((!unused.is_empty()).then(|| format!("no layer takes {listed}{rest} of {path}")))
    }
}
