//! Functions: what the key `activation` asks for, and the parameters of functions that are layers.

use super::keys::Keys;
use crate::error::Problem;
use crate::graph::Activation;
use crate::graph::op::{Form, Number, Parameter, Values, activation, functions};
use crate::toml::Entry;

/// The parameters of a function, where they are given or have defaults.
type Parameters = [Option<Number>; 2];

impl Keys<'_, '_> {
    /// What the key `activation` asks for: `"hard_swish"`, `{ leaky_relu = 0.1 }`, `{ clip = [-1, 1] }`.
    pub(super) fn activation(&mut self) -> Option<Activation> {
        let entry = self.table.get("activation")?;
        if let Some(name) = entry.as_str() {
            return match name {
                "relu" => Some(Activation::Relu),
                "none" => Some(Activation::None),
                _ => self.named(&entry, name, None),
            };
        }
        if !entry.is_table() {
            self.problems
                .push(entry.wrong_value("a name, or a table with a name and its parameters").help(list()));
            return None;
        }
        let table = entry.table(self.problems)?;
        let mut entries = table.entries();
        match (entries.next(), entries.next()) {
            (Some(only), None) if matches!(only.name, "relu" | "none") => {
                let help = format!("write activation = \"{}\"", only.name);
                self.problems.push(only.problem("has no parameters").help(help));
                None
            }
            (Some(only), None) => self.named(&entry, only.name, Some(&only)),
            _ => {
                let problem = entry.problem("is a table that does not have exactly one name");
                self.problems.push(problem.help("write for example activation = { leaky_relu = 0.1 }"));
                None
            }
        }
    }

    /// The function of a name in `entry`, with parameters from `given`.
    fn named(&mut self, entry: &Entry<'_>, name: &str, given: Option<&Entry<'_>>) -> Option<Activation> {
        let Some(form) = functions().find(|form| form.name == name) else {
            let problem = entry.problem(format_args!("has the unknown function \"{}\"", name.escape_debug()));
            self.problems.push(problem.help(list()));
            return None;
        };
        let parameters = match given {
            None => missing(form).map_or(Ok(form_defaults(form)), |key| {
                let wrong = format!("is \"{name}\", which needs `{key}`");
                Err(entry.problem(wrong).help(format!("write {}", example(form))))
            }),
            Some(given) => listed(form, given),
        };
        let parameters = parameters.map_err(|problem| self.problems.push(problem)).ok()?;
        activation(form, &Values { parameters, ..Values::default() })
    }

    /// The parameters of a function that is a layer, from their keys.
    pub(super) fn parameters(&mut self, form: &Form) -> Parameters {
        let mut parameters = form_defaults(form);
        for (value, parameter) in parameters.iter_mut().zip(form.parameters) {
            let Some(entry) = self.table.get(parameter.key) else { continue };
            *value = entry.number(parameter.accepts, parameter.range, self.problems).and_then(Number::new);
        }
        parameters
    }
}

fn form_defaults(form: &Form) -> Parameters {
    let mut defaults = Parameters::default();
    for (value, parameter) in defaults.iter_mut().zip(form.parameters) {
        *value = parameter.default.and_then(Number::new);
    }
    defaults
}

/// The key of the first parameter that must be given, if there is one.
fn missing(form: &Form) -> Option<&'static str> {
    form.parameters.iter().find(|parameter| parameter.default.is_none()).map(|parameter| parameter.key)
}

/// The parameters that an entry has: a number, or a list of all.
fn listed(form: &Form, entry: &Entry<'_>) -> Result<Parameters, Problem> {
    let parameters = form.parameters;
    let help = format!("write {}", example(form));
    let keys: Vec<&str> = parameters.iter().map(|parameter| parameter.key).collect();
    if keys.is_empty() {
        let wrong = entry.problem("has no parameters");
        return Err(wrong.help(help));
    }
    let numbers = match entry.as_number() {
        Some(number) if parameters.len() == 1 => Some(vec![number]),
        _ => entry.as_numbers().filter(|numbers| numbers.len() == parameters.len()),
    };
    let Some(numbers) = numbers else {
        let wanted = if keys.len() == 1 { keys[0].to_string() } else { format!("[{}]", keys.join(", ")) };
        return Err(entry.wrong_value(&wanted).help(help));
    };
    let mut found = Parameters::default();
    for ((value, parameter), number) in found.iter_mut().zip(parameters).zip(numbers) {
        let Parameter { key, range, accepts, .. } = parameter;
        *value = Number::new(number).filter(|number| accepts(number.get()));
        if value.is_none() {
            return Err(entry.problem(format_args!("has `{key}` {number}, it must be {range}")).help(help));
        }
    }
    Ok(found)
}

/// How an activation is written.
fn example(form: &Form) -> String {
    let value = |parameter: &&Parameter| parameter.default.map_or_else(|| parameter.key.to_string(), rounded);
    let values: Vec<String> = form.parameters.iter().map(value).collect();
    match &values[..] {
        [] => format!("activation = \"{}\"", form.name),
        [value] => format!("activation = {{ {} = {value} }}", form.name),
        values => format!("activation = {{ {} = [{}] }}", form.name, values.join(", ")),
    }
}

/// A number with at most four digits after the point.
fn rounded(number: f64) -> String {
    format!("{}", (number * 1e4).round() / 1e4)
}

/// The activations that there are.
fn list() -> String {
    let names: Vec<&str> = ["relu", "none"].into_iter().chain(functions().map(|form| form.name)).collect();
    format!("the activations are {}", names.join(", "))
}
