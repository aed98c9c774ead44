//! From a list of layers to a network: names, links, shapes.

use std::collections::HashMap;

use crate::error::{Error, Problem, nearest};
use crate::task::Task;

use super::assemble::assemble;
use super::fold::{Folded, fold};
use super::layer::{Draft, Layer};
use super::op::Arity;
use super::pads::Padded;
use super::spec::{IMAGE, LayerSpec};
use super::{Graph, Source, Spec, rules};

/// What a layer reads, by its place in the list (`Source::Node`); `None` if that could not be found out.
pub(super) type Link = Option<Source>;

/// Problems found so far, each with the place of its layer in the list.
pub(super) struct Problems<'a> {
    layers: &'a [LayerSpec],
    found: Vec<(usize, Problem)>,
}

impl<'a> Problems<'a> {
    /// None yet.
    pub(super) fn new(layers: &'a [LayerSpec]) -> Problems<'a> {
        Problems { layers, found: Vec::new() }
    }

    /// Adds a problem of a layer.
    pub(super) fn add(&mut self, layer: usize, problem: Problem) {
        let location = self.layers[layer].location.clone();
        self.found.push((layer, Problem { location, ..problem }));
    }

    /// Whether there is any.
    pub(super) fn any(&self) -> bool {
        !self.found.is_empty()
    }
}

/// A name as messages show it, on one line whatever it contains.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.escape_debug())
}

/// A source as messages show it.
pub(super) fn name(spec: &Spec, names: &[String], source: Source) -> String {
    match source {
        Source::Input(input) => spec.describe_input(input),
        Source::Node(layer) => quoted(&names[layer]),
    }
}

impl Spec {
    /// An input as messages show it.
    pub(super) fn describe_input(&self, input: usize) -> String {
        match &self.inputs[input].name[..] {
            IMAGE if self.inputs.len() == 1 => "the image".to_string(),
            name => format!("the input {}", quoted(name)),
        }
    }
}

impl Graph {
    /// Gives every layer of a network that classifies its name, its inputs, its padding in pixels and its
    /// shape.
    ///
    /// # Errors
    /// All that keeps the list from being a network that can be quantised and executed, layer by layer.
    pub fn resolve(spec: &Spec) -> Result<Graph, Error> {
        Graph::resolve_for(spec, Task::default())
    }

    /// As [`Graph::resolve`], for any task: it says what the last layer must be.
    ///
    /// # Errors
    /// As [`Graph::resolve`].
    pub fn resolve_for(spec: &Spec, task: Task) -> Result<Graph, Error> {
        if spec.layers.is_empty() {
            return Err(Problem::new("the network has no layers").into());
        }
        rules::inputs(spec, task)?;
        let mut problems = Problems::new(&spec.layers);
        let names = names(spec, &mut problems);
        let links = links(spec, &names, &mut problems);
        let linked = !problems.any();
        let padded = Padded::new(spec, &links);
        let spec = &padded.spec;
        let folded = fold(spec, &names, &links, &padded.folded, &mut problems);
        let nodes = nodes(spec, &names, &links, &folded, &mut problems);
        let mut unread = if linked { rules::unread_inputs(spec, &links) } else { Vec::new() };
        if linked {
            unread.extend(spec.contradicting_orders(&links));
        }
        if linked {
            rules::unread(spec, &nodes, &names, &folded, &mut problems);
        }
        rules::outputs(spec, &names, &folded, &mut problems);
        rules::last(task, spec.inputs[0].shape, &nodes, &names, &mut problems);
        if problems.any() || !unread.is_empty() {
            let mut found = problems.found;
            found.sort_by_key(|(layer, _)| *layer);
            let found = found.into_iter().map(|(_, problem)| problem);
            return Err(Error { problems: unread.into_iter().chain(found).collect() });
        }
        let graph = assemble(spec, names.clone(), &folded, nodes).with_orders();
        if let Some((layer, problem)) = graph.moved_output().or_else(|| graph.contradicting_grids()) {
            let layer = names.iter().position(|name| name == layer);
            let location = layer.and_then(|layer| spec.layers[layer].location.clone());
            return Err(Problem { location, ..problem }.into());
        }
        Ok(graph)
    }
}

/// Nodes by their place in the list; `None` for what is folded or has a problem.
fn nodes(
    spec: &Spec,
    names: &[String],
    links: &[Vec<Link>],
    folded: &Folded,
    problems: &mut Problems,
) -> Vec<Option<Draft>> {
    let mut nodes: Vec<Option<Draft>> = Vec::with_capacity(spec.layers.len());
    for (index, layer) in spec.layers.iter().enumerate() {
        if folded.is_gone(index, layer) {
            nodes.push(None);
            continue;
        }
        let holders = links[index].iter().map(|link| match link {
            Some(Source::Node(layer)) => folded.holder[*layer],
            other => *other,
        });
        let inputs: Vec<Link> = holders.collect();
        let shaped = Layer { spec, names, nodes: &nodes, index, problems }.resolve(&inputs);
        let (norm, activation) = (folded.norm[index], folded.activation[index]);
        nodes.push(Some(Draft { inputs, norm, activation, shaped }));
    }
    nodes
}

/// A name for every layer: its own, or the operator and its running number.
pub(super) fn names(spec: &Spec, problems: &mut Problems) -> Vec<String> {
    let layers = &spec.layers;
    let mut running: HashMap<&str, usize> = HashMap::new();
    let mut taken: HashMap<String, usize> = HashMap::new();
    let mut names = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let number = running.entry(layer.op.form().name).or_default();
        *number += 1;
        let name = layer.name.clone().unwrap_or_else(|| format!("{}{number}", layer.op.form().name));
        if name.is_empty() || name.chars().any(char::is_control) {
            let message = format!("layer {} has the name {}", index + 1, quoted(&name));
            problems
                .add(index, Problem::new(message).help("a name has at least one character, all printable"));
        } else if let Some(input) = spec.inputs.iter().position(|input| input.name == name) {
            let (name, input) = (quoted(&name), spec.describe_input(input));
            let message = match &input[..] {
                "the image" => format!("layer {} has the name {name}, which is the image's", index + 1),
                _ => format!("layer {} has the name {name}, which is that of an input", index + 1),
            };
            problems.add(index, Problem::new(message).help("give it another name"));
        } else if let Some(first) = taken.get(&name) {
            let message =
                format!("layer {} has the name {}, as layer {} has", index + 1, quoted(&name), first + 1);
            let help = match layer.name {
                Some(_) => "give it another name",
                None => "give it a `name`: without one it is called after its operator and running number",
            };
            problems.add(index, Problem::new(message).help(help));
        }
        taken.entry(name.clone()).or_insert(index);
        names.push(name);
    }
    names
}

/// What every layer reads.
pub(super) fn links(spec: &Spec, names: &[String], problems: &mut Problems) -> Vec<Vec<Link>> {
    let layers = &spec.layers;
    let input_of = |name: &str| spec.inputs.iter().position(|input| input.name == name);
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        places.entry(name).or_insert(index);
    }
    let mut links = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let mut inputs: Vec<Link> = Vec::new();
        for input in &layer.inputs {
            inputs.push(match (input_of(input), places.get(input.as_str())) {
                (Some(input), _) => Some(Source::Input(input)),
                (None, Some(place)) if *place < index => Some(Source::Node(*place)),
                (None, place) => {
                    problems
                        .add(index, not_earlier(spec, &names[index], input, place.copied(), index, names));
                    None
                }
            });
        }
        if layer.inputs.is_empty() {
            inputs.push(Some(index.checked_sub(1).map_or(Source::Input(0), Source::Node)));
        }
        let needed = layer.op.form().arity;
        if !needed.takes(inputs.len()) {
            let (me, op) = (quoted(&names[index]), layer.op.form().name);
            let plural = |count: usize| if count == 1 { "" } else { "s" };
            let message = format!(
                "layer {me} has {} input{}, the operator {op} needs {}",
                inputs.len(),
                plural(inputs.len()),
                needed.words()
            );
            let help = match needed {
                Arity::One => "name one in `inputs`",
                Arity::Two => "name two earlier layers in `inputs`",
                Arity::TwoOrMore => "name two or more earlier layers in `inputs`",
            };
            problems.add(index, Problem::new(message).help(help));
            inputs.resize(needed.least(), None);
        }
        links.push(inputs);
    }
    links
}

fn not_earlier(
    spec: &Spec,
    me: &str,
    input: &str,
    place: Option<usize>,
    index: usize,
    names: &[String],
) -> Problem {
    let (me, wanted) = (quoted(me), quoted(input));
    match place {
        Some(place) if place == index => {
            Problem::new(format!("layer {me} reads itself")).help("name an earlier layer")
        }
        Some(_) => Problem::new(format!("layer {me} reads {wanted}, which comes later"))
            .help("list the layers in the order in which they are executed"),
        None => {
            let inputs = || spec.inputs.iter().map(|input| &input.name[..]);
            let known = names[..index].iter().map(String::as_str).chain(inputs());
            let help = match nearest(input, known) {
                Some(near) => format!("did you mean {}?", quoted(near)),
                None => {
                    let inputs: Vec<String> = inputs().map(|name| format!("\"{name}\"")).collect();
                    format!("name an earlier layer or {}", inputs.join(" or "))
                }
            };
            Problem::new(format!("layer {me} reads {wanted}, which no layer is called")).help(help)
        }
    }
}
