//! Operators of other domains, and those that are several of ONNX in one: written as nodes of ONNX.

use crate::import::model::{Attribute, Attributes, Model, Node};

/// Domains of operators that readers know without their domain.
const DOMAINS: [&str; 6] = [
    "onnx.brevitas.",
    "qonnx.custom_op.general.",
    "finn.custom_op.general.",
    "finn.custom_op.channels_last.",
    "qonnx.custom_op.channels_last.",
    "com.microsoft.",
];

/// From batch, rows, columns, channels to ONNX's order, and back.
const TO_ONNX: [i64; 4] = [0, 3, 1, 2];
const FROM_ONNX: [i64; 4] = [0, 2, 3, 1];

/// Writes the nodes of a node of another domain, or the node itself.
pub(super) fn write(model: &mut Model, node: Node) {
    let mut writer = Writer { model, of: &node, made: 0 };
    if !writer.operator() {
        model.nodes.push(node);
    }
}

struct Writer<'a> {
    model: &'a mut Model,
    of: &'a Node,
    /// For names of values that the file does not have.
    made: usize,
}

impl Writer<'_> {
    /// Whether it is one that is several.
    fn operator(&mut self) -> bool {
        let name = self.of.operator.clone();
        let known = DOMAINS.iter().find_map(|domain| Some((*domain, name.strip_prefix(domain)?)));
        let (domain, name) = known.unwrap_or(("", name.as_str()));
        let turned = domain.contains("channels_last");
        match (domain, name) {
            ("", "QLinearConv") => self.quantised_conv(),
            ("", "QLinearMatMul") => {
                let a = self.number(0, 1, 2, None);
                let b = self.number(3, 4, 5, Some(1));
                let product = self.node("MatMul", vec![a, b], Attributes::default());
                self.quantise(product, 6, 7);
            }
            ("com.microsoft.", "QLinearAdd" | "QLinearMul") => {
                let (a, b) = (self.number(0, 1, 2, None), self.number(3, 4, 5, None));
                let operator = if name == "QLinearAdd" { "Add" } else { "Mul" };
                let joined = self.node(operator, vec![a, b], Attributes::default());
                self.quantise(joined, 6, 7);
            }
            (
                "com.microsoft.",
                "QLinearSigmoid"
                | "QLinearLeakyRelu"
                | "QLinearSoftmax"
                | "QLinearAveragePool"
                | "QLinearGlobalAveragePool"
                | "QLinearReduceMean",
            ) => {
                let operator = name.trim_start_matches("QLinear").to_string();
                let last = self.of.attributes.int("channels_last").unwrap_or(0) != 0;
                let x = self.number(0, 1, 2, None);
                let x = if last { self.turned(x, &TO_ONNX) } else { x };
                let attributes = self.of.attributes.clone();
                let y = self.node(&operator, vec![x], attributes);
                let y = if last { self.turned(y, &FROM_ONNX) } else { y };
                self.quantise(y, 3, 4);
            }
            ("com.microsoft.", "QLinearConcat") => {
                let count = self.of.inputs.len().saturating_sub(2) / 3;
                let parts =
                    (0..count).map(|part| self.number(3 * part + 2, 3 * part + 3, 3 * part + 4, None));
                let parts = parts.collect();
                let attributes = self.of.attributes.clone();
                let joined = self.node("Concat", parts, attributes);
                self.quantise(joined, 0, 1);
            }
            ("com.microsoft.", "QGemm") => self.quantised_gemm(),
            ("com.microsoft.", "DynamicQuantizeMatMul") => {
                let b = self.number(1, 2, 3, Some(1));
                let product = self.node("MatMul", vec![self.input(0), b], Attributes::default());
                self.finish_sum(product, 4);
            }
            ("com.microsoft.", "MatMulIntegerToFloat") => {
                let (a, b) = (self.number(0, 2, 4, None), self.number(1, 3, 5, Some(1)));
                let product = self.node("MatMul", vec![a, b], Attributes::default());
                self.finish_sum(product, 6);
            }
            ("com.microsoft.", "FusedConv" | "FusedGemm") => {
                let operator = name.trim_start_matches("Fused");
                let inner = self.node(operator, self.of.inputs.clone(), self.of.attributes.clone());
                self.activate(inner);
            }
            ("com.microsoft.", "QuantizeLinear" | "DequantizeLinear" | "Gelu") => self.same(name),
            ("com.microsoft.", "QuickGelu") => {
                let alpha = self.of.attributes.float("alpha").unwrap_or(1.702);
                let alpha = Attributes::of([("alpha", Attribute::Float(alpha))]);
                self.finish("Swish", vec![self.input(0)], alpha);
            }
            ("com.microsoft.", "FastGelu" | "BiasGelu") => {
                let sum = match self.input(1).as_str() {
                    "" => self.input(0),
                    bias => self.node("Add", vec![self.input(0), bias.to_string()], Attributes::default()),
                };
                let form = if name == "FastGelu" { "tanh" } else { "none" };
                let form = Attributes::of([("approximate", Attribute::Text(form.to_string()))]);
                self.finish("Gelu", vec![sum], form);
            }
            ("com.microsoft.", _) => return false,
            (_, "Quant" | "IntQuant" | "BipolarQuant" | "Trunc" | "MultiThreshold") if !domain.is_empty() => {
                let name = if name == "IntQuant" { "Quant" } else { name };
                let channels_last =
                    self.of.attributes.text("data_layout").is_some_and(|layout| layout == "NHWC");
                self.in_order(name, turned || channels_last && name == "MultiThreshold");
            }
            (_, "Conv" | "MaxPool" | "AveragePool" | "BatchNormalization") if turned => {
                self.in_order(name, true);
            }
            _ => return false,
        }
        true
    }

    fn input(&self, place: usize) -> String {
        self.of.inputs.get(place).cloned().unwrap_or_default()
    }

    /// A node that writes a value which the file does not have: the name of that.
    fn node(&mut self, operator: &str, inputs: Vec<String>, attributes: Attributes) -> String {
        self.made += 1;
        let output = format!("\u{1}{}\u{1}{}", self.of.outputs.first().map_or("", String::as_str), self.made);
        self.write(operator, inputs, output.clone(), attributes);
        output
    }

    fn write(&mut self, operator: &str, inputs: Vec<String>, output: String, attributes: Attributes) {
        let (name, label) = (self.of.name.clone(), self.of.label.clone());
        let operator = operator.to_string();
        let outputs = vec![output];
        self.model.nodes.push(Node { operator, name, label, inputs, outputs, attributes });
    }

    /// A node that writes what the node of the file does.
    fn finish(&mut self, operator: &str, inputs: Vec<String>, attributes: Attributes) {
        let output = self.of.outputs.first().cloned().unwrap_or_default();
        self.write(operator, inputs, output, attributes);
    }

    fn same(&mut self, operator: &str) {
        let node = Node { operator: operator.to_string(), ..self.of.clone() };
        self.model.nodes.push(node);
    }

    /// The numbers of a quantised input, with its scale and its zero point; `axis` is that of a constant.
    fn number(&mut self, input: usize, scale: usize, zero: usize, axis: Option<i64>) -> String {
        let attributes = match axis {
            Some(axis) => Attributes::of([("axis", Attribute::Int(axis))]),
            None => Attributes::default(),
        };
        self.node(
            "DequantizeLinear",
            vec![self.input(input), self.input(scale), self.input(zero)],
            attributes,
        )
    }

    fn quantise(&mut self, value: String, scale: usize, zero: usize) {
        let inputs = vec![value, self.input(scale), self.input(zero)];
        self.finish("QuantizeLinear", inputs, Attributes::default());
    }

    fn turned(&mut self, value: String, order: &[i64]) -> String {
        let order = Attributes::of([("perm", Attribute::Ints(order.to_vec()))]);
        self.node("Transpose", vec![value], order)
    }

    /// The numbers of biases, whose step is the product of two others.
    fn biases(&mut self, bias: usize, scales: [usize; 2]) -> Option<String> {
        (!self.input(bias).is_empty()).then(|| {
            let scales = scales.map(|scale| self.input(scale));
            let step = self.node("Mul", scales.to_vec(), Attributes::default());
            let axis = Attributes::of([("axis", Attribute::Int(0))]);
            self.node("DequantizeLinear", vec![self.input(bias), step], axis)
        })
    }

    fn quantised_conv(&mut self) {
        let mut inputs = vec![self.number(0, 1, 2, None), self.number(3, 4, 5, Some(0))];
        inputs.extend(self.biases(8, [1, 4]));
        let attributes = self.of.attributes.clone();
        let made = self.node("Conv", inputs, attributes);
        self.quantise(made, 6, 7);
    }

    fn quantised_gemm(&mut self) {
        let axis = i64::from(self.of.attributes.int("transB").unwrap_or(0) == 0);
        let mut inputs = vec![self.number(0, 1, 2, None), self.number(3, 4, 5, Some(axis))];
        inputs.extend(self.biases(6, [1, 4]));
        let attributes = self.of.attributes.clone();
        let made = self.node("Gemm", inputs, attributes);
        match self.input(7).as_str() {
            "" => self.finish("Identity", vec![made], Attributes::default()),
            _ => self.quantise(made, 7, 8),
        }
    }

    /// What is written, with a bias if there is one.
    fn finish_sum(&mut self, value: String, bias: usize) {
        match self.input(bias).as_str() {
            "" => self.finish("Identity", vec![value], Attributes::default()),
            bias => self.finish("Add", vec![value, bias.to_string()], Attributes::default()),
        }
    }

    /// A function that is an attribute, with its parameters.
    fn activate(&mut self, value: String) {
        let operator = self.of.attributes.text("activation").unwrap_or("Identity").to_string();
        let numbers = self.of.attributes.floats("activation_params").unwrap_or(&[]).to_vec();
        let number = |place: usize, name: &str| {
            let value = Attribute::Float(numbers.get(place).copied()?);
            Some((name.to_string(), value))
        };
        let given = match operator.as_str() {
            "Clip" => vec![number(0, "min"), number(1, "max")],
            "HardSigmoid" => vec![number(0, "alpha"), number(1, "beta")],
            _ => vec![number(0, "alpha").or_else(|| {
                let alpha = self.of.attributes.float("activation_alpha")?;
                Some(("alpha".to_string(), Attribute::Float(alpha)))
            })],
        };
        self.finish(&operator, vec![value], Attributes(given.into_iter().flatten().collect()));
    }

    /// The operator of this name, between transpositions if channels are last here.
    fn in_order(&mut self, operator: &str, turned: bool) {
        if !turned {
            return self.same(operator);
        }
        let mut inputs = self.of.inputs.clone();
        let first = self.turned(self.input(0), &TO_ONNX);
        inputs.first_mut().into_iter().for_each(|input| input.clone_from(&first));
        if operator == "Conv" && inputs.len() > 1 {
            // Filters are rows, columns, channels, too.
            inputs[1] = self.turned(self.input(1), &TO_ONNX);
        }
        let attributes = self.of.attributes.clone();
        let made = self.node(operator, inputs, attributes);
        let order = Attributes::of([("perm", Attribute::Ints(FROM_ONNX.to_vec()))]);
        self.finish("Transpose", vec![made], order);
    }
}
