//! Why the image of a network cannot come in rows.

use mixq_format::{Bits, MOST_LAYERS, Stage};

use super::activations::at_most;
use super::arena::ALIGNMENT;
use super::schedule::{Schedule, Step, Tensor};
use crate::graph::Graph;

/// Why the image cannot come in rows where tensors have at most these bits, as a sentence; `None`: it can.
pub fn no_rows(graph: &Graph, bits: Bits) -> Option<String> {
    let schedule = Schedule::new(graph);
    let widths = at_most(&schedule, bits);
    let search = Search { graph, schedule: &schedule, widths: &widths };
    if schedule.fed().iter().any(|stripes| schedule.of_words(stripes, &widths)) {
        return None;
    }
    if graph.inputs.are_several() {
        return Some(format!("the network has {} inputs", graph.inputs.len()));
    }
    Some(search.reason())
}

struct Search<'a> {
    graph: &'a Graph,
    schedule: &'a Schedule,
    widths: &'a [Bits],
}

impl Search<'_> {
    fn reason(&self) -> String {
        let steps = &self.schedule.steps;
        // The longest run of the first steps that can be executed in stripes.
        let outline = self.schedule.outline();
        let stage = |layers: usize| Stage {
            first: 0,
            layers: layers as u16,
            rows: 1,
            state: 0,
            backwards: false,
            fed: true,
            hop: 0,
        };
        let is_run = |layers: &usize| {
            let of_words = || steps[..*layers].iter().all(|step| self.odd_row(step).is_none());
            stage(*layers).lines(outline).is_ok() && of_words()
        };
        let run = (1..=steps.len().min(MOST_LAYERS)).take_while(is_run).last().unwrap_or(0);
        let end = match steps.get(run) {
            Some(step) => self.odd_row(step).unwrap_or_else(|| self.needs_all(step)),
            None => String::new(),
        };
        if run == 0 {
            return end;
        }
        // Of each run that begins there: what is read behind it, if something is.
        let beyond: Option<Vec<String>> = (0..run).map(|last| self.read_beyond(last)).collect();
        if let Some(beyond) = beyond.as_ref().and_then(|beyond| beyond.last()) {
            return if end.is_empty() { beyond.clone() } else { format!("{end}, and {beyond}") };
        }
        let covers = |step: &&Step| {
            let rows = self.tensor(step.inputs[0]).shape.height;
            self.graph.nodes[step.node].op.window().is_some_and(|window| window.kernel[0] >= rows)
        };
        match steps[..run].iter().find(covers) {
            Some(step) => self.needs_all(step),
            None => "its first layers need all rows of the image for one row of their outputs".to_string(),
        }
    }

    fn tensor(&self, tensor: usize) -> &Tensor {
        &self.schedule.tensors[tensor]
    }

    fn name(&self, step: &Step) -> String {
        let node = &self.graph.nodes[step.node];
        format!("layer `{}` ({})", node.name, node.op.kind())
    }

    fn needs_all(&self, step: &Step) -> String {
        format!("{} needs all rows of its input at once", self.name(step))
    }

    /// What a tensor is called.
    fn what(&self, tensor: usize) -> String {
        let writer = self.schedule.steps.iter().find(|step| step.output == tensor);
        writer.map_or("the image".to_string(), |step| format!("the output of {}", self.name(step)))
    }

    /// A tensor of a step whose rows are not whole words of the arena.
    fn odd_row(&self, step: &Step) -> Option<String> {
        let bytes = |tensor: usize| {
            let Tensor { shape, width, .. } = self.tensor(tensor);
            shape.width * self.widths[*width].row_bytes(shape.channels)
        };
        let mut tensors = step.inputs.iter().chain([&step.output]);
        let odd = *tensors.find(|tensor| !bytes(**tensor).is_multiple_of(ALIGNMENT))?;
        let (what, bytes) = (self.what(odd), bytes(odd));
        Some(format!("a row of {what} has {bytes} bytes, which is not a multiple of {ALIGNMENT}"))
    }

    /// A tensor that steps `0..=last` make or read, and that a later one reads, too.
    fn read_beyond(&self, last: usize) -> Option<String> {
        let inside = (0..last).map(|step| self.schedule.steps[step].output);
        let mut tensors = std::iter::once(0).chain(inside);
        let tensor = tensors.find(|tensor| self.tensor(*tensor).life.1 > last)?;
        let reader = &self.schedule.steps[self.tensor(tensor).life.1];
        let writer = self.schedule.steps.iter().find(|step| step.output == tensor);
        let is_output = writer.is_some_and(|writer| self.graph.is_output(writer.node));
        Some(match is_output {
            true => format!("{} is an output of the network", self.what(tensor)),
            false => format!("{} also reads {}", self.name(reader), self.what(tensor)),
        })
    }
}
