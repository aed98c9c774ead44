//! What an artifact is, in figures: for people as a table, for programs as JSON.

pub mod allocation;
mod confusion;
pub mod figures;
mod firmware;
mod speed;
pub mod stages;
mod units;

pub use firmware::{FirmwareReport, ModelMemory};
use mixq_format::target::Cost;
use mixq_format::{Bits, Layer, NamedLayer, Stage, Task, Unit};
use serde::Serialize;
pub use speed::SpeedReport;
pub use stages::StageReport;
pub use units::{InputReport, OutputReport, SamplesReport, inputs};

use crate::memory::peak;
use crate::target::Placed;

/// The figures of an artifact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The model.
    pub model: String,
    /// What it is for: scores are by the measure of this task.
    pub task: Task,
    /// Its layers.
    pub layers: Vec<LayerReport>,
    /// Multiply-accumulates for one image.
    pub macs: u64,
    /// Bytes of constants.
    pub flash_bytes: u64,
    /// Bytes of constants that it may have.
    pub flash_budget: u64,
    /// Bytes of RAM, those for speed included.
    pub ram_bytes: u64,
    /// How fast it is.
    #[serde(flatten)]
    pub speed: SpeedReport,
    /// Bytes of RAM that it may take.
    pub ram_budget: u64,
    /// The layer during which most bytes of the arena are alive.
    pub peak_layer: String,
    /// Bytes that are alive then: no arena is smaller.
    pub arena_lower_bound: u64,
    /// The runs of layers that are executed in stripes of rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageReport>,
    /// Bits of the weights of each weighted layer.
    pub weight_bits: Vec<u8>,
    /// Bits of the output of each weighted layer; 32 for the logits.
    pub activation_bits: Vec<u8>,
    /// Score of the float network on the test part: of a classification its accuracy, 0 to 1.
    /// Scores are not there if nothing was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub float_accuracy: Option<f64>,
    /// Score with fake quantisation; of a model that was not trained that of its integers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fake_quant_accuracy: Option<f64>,
    /// Whether its integers are those of a quantised file, and nothing was trained.
    pub as_imported: bool,
    /// Score of the integer network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integer_accuracy: Option<f64>,
    /// Whether scores are agreement with the float network, because the test images have no labels.
    pub agreement: bool,
    /// How good the integer network is in detail, if the artifact says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<serde_json::Value>,
    /// The same as text, a line for each output.
    #[serde(skip)]
    pub details: String,
    /// What the network reads, in the order in which rows of data have it.
    pub inputs: Vec<InputReport>,
    /// What the network writes, the output of the last layer first.
    pub outputs: Vec<OutputReport>,
    /// The samples that it reads, by channel; not there if it reads pixels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<SamplesReport>,
    /// The quantity that each integer of a regression stands for; of a reconstruction that of the score.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quantities: Vec<Unit>,
    /// The integers that outputs must exceed to say yes: of labels, or of the score of an abnormal image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<i64>,
    /// Outputs and samples as text, where a person wants to know them.
    #[serde(skip)]
    pub units: String,
    /// Images of the test part.
    pub test_images: u64,
    /// Test images that the integer network answers otherwise than the fake-quantised one.
    pub disagreements: u64,
    /// Score of the float network on the validation part of the training images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub float_validation: Option<f64>,
    /// Score with fake quantisation on the validation part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fake_quant_validation: Option<f64>,
    /// Bytes of the float network: weights and biases of 32 bits, batch norm folded into them.
    pub float_bytes: u64,
}

/// The figures of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// "conv 3x3", "depthwise 3x3", ...
    pub kind: String,
    /// Height, width, channels of the output.
    pub shape: [u16; 3],
    /// Bits of the weights, if it has any.
    pub weight_bits: Option<u8>,
    /// Bits of the output.
    pub activation_bits: u8,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes of packed weights.
    pub weight_bytes: u64,
    /// Bytes of all constants: weights, requantisation tables, layer table.
    pub flash_bytes: u64,
    /// Bytes of the output that the arena holds: in a stage, those of the rows that are still needed.
    pub output_bytes: u64,
    /// Instructions, by the cost model.
    pub instructions: Option<u64>,
    /// Cycles on a Cortex-M4 without wait states, estimated.
    pub cycles_estimate: Option<u64>,
}

impl Report {
    /// The figures of an artifact.
    pub fn new(placed: &Placed) -> Report {
        let Placed { artifact, speed_bytes, speed } = placed;
        let header = &artifact.header;
        let as_imported = header.fingerprint.get("bits").is_some_and(|bits| bits == "as imported");
        let details = header.readout.figures.as_ref();
        let cost = |index: usize| speed.as_ref().map(|speed| speed.layers[index]);
        let placed = artifact.layers();
        let stage_bytes = |index: usize| {
            let stage = placed.steps(&[]).stage(index);
            stage.map_or(0, |stage| {
                // The rows that come from outside count with the first layer.
                Stage::LAYER_BYTES + if index == 0 { stage.feed_bytes() } else { 0 }
            })
        };
        let names: Vec<&str> = header.layers.iter().map(|named| &named.name[..]).collect();
        let layers: Vec<LayerReport> = (header.layers.iter().enumerate())
            .map(|(index, named)| LayerReport {
                output_bytes: placed.placed()[index].output().bytes() as u64,
                ..LayerReport::new(named, stage_bytes(index), cost(index))
            })
            .collect();
        let weighted = || layers.iter().filter(|layer| layer.weight_bits.is_some());
        let (outputs, samples) = (units::outputs(header), units::samples(header));
        let inputs = units::inputs(header);
        let tensors: Vec<_> = header.all_inputs().into_iter().map(|(tensor, _)| *tensor).collect();
        let (peak, arena_lower_bound) = peak(&tensors, artifact.layers().steps(&artifact.kept()));
        let accuracy = &header.accuracy;
        let measured = |score: f64| (accuracy.test_images > 0).then_some(score);
        Report {
            model: header.name.clone(),
            task: header.task,
            macs: layers.iter().map(|layer| layer.macs).sum(),
            flash_bytes: artifact.flash_bytes() as u64,
            flash_budget: header.budget.flash,
            ram_bytes: artifact.ram_bytes() as u64,
            speed: SpeedReport::new(*speed_bytes, speed.as_ref()),
            ram_budget: header.budget.ram,
            peak_layer: header.layers[peak].name.clone(),
            arena_lower_bound,
            stages: StageReport::all(&header.stages, &names),
            weight_bits: weighted().filter_map(|layer| layer.weight_bits).collect(),
            activation_bits: weighted().map(|layer| layer.activation_bits).collect(),
            float_accuracy: measured(accuracy.float),
            fake_quant_accuracy: measured(accuracy.fake_quant),
            integer_accuracy: measured(accuracy.integer),
            agreement: accuracy.agreement,
            as_imported,
            figures: details.map(|found| figures::json(found, &header.labels)),
            details: details.map_or(String::new(), |found| figures::text(found, &header.labels)),
            units: units::text(&inputs, &outputs, &samples),
            inputs,
            outputs,
            samples,
            quantities: header.readout.units.clone(),
            thresholds: header.readout.thresholds.clone(),
            test_images: header.accuracy.test_images,
            disagreements: header.accuracy.disagreements,
            float_validation: measured(accuracy.float_validation),
            fake_quant_validation: measured(accuracy.fake_quant_validation),
            float_bytes: artifact.layers().iter().map(float_bytes).sum(),
            layers,
        }
    }

    /// The figures as JSON, with these names.
    pub fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("figures are always representable")
    }
}

/// Bytes of a layer's weights and biases as floats.
fn float_bytes(layer: &Layer) -> u64 {
    let biases = if layer.requant().is_some() { usize::from(layer.output().channels) } else { 0 };
    let parameters = layer.weights().map_or(0, |(_, rows, columns, _)| rows * columns + biases);
    4 * parameters as u64
}

impl LayerReport {
    /// The figures of a layer, whose output lies in the arena whole; `stage_bytes` of flash are there for its
    /// stage.
    fn new(
        NamedLayer { name, macs, layer }: &NamedLayer,
        stage_bytes: usize,
        cost: Option<Cost>,
    ) -> LayerReport {
        let output = layer.output();
        let weights = layer.weights();
        let weight_bytes = weights.map_or(0, |(_, rows, columns, bits)| rows * bits.row_bytes(columns));
        let requant_bytes = layer.requant().map_or(0, |requant| requant.parameter_bytes(output));
        let entries = match layer {
            Layer::Elementwise(table) => table.entries(),
            Layer::Prelu(table) => 4 * usize::from(table.input.channels),
            Layer::Conv(_)
            | Layer::Depthwise(_)
            | Layer::Linear(_)
            | Layer::AveragePool(_)
            | Layer::MaxPool(_)
            | Layer::Add(_)
            | Layer::Multiply(_)
            | Layer::GroupedConv(_)
            | Layer::Constants(_)
            | Layer::Rearrange(_)
            | Layer::Resize(_) => 0,
        };
        let table_bytes = layer.table_bytes() + stage_bytes;
        LayerReport {
            name: name.to_string(),
            kind: layer.kind().to_string(),
            shape: [output.height, output.width, output.channels],
            weight_bits: weights.map(|(_, _, _, bits)| bits.into()),
            activation_bits: output.bits.into(),
            macs: *macs,
            weight_bytes: weight_bytes as u64,
            flash_bytes: (weight_bytes + requant_bytes + entries + table_bytes) as u64,
            output_bytes: output.bytes() as u64,
            instructions: cost.map(|cost| cost.instructions),
            cycles_estimate: cost.and_then(|cost| cost.cycles),
        }
    }
}

/// "4", or "32 (logits)".
pub fn activation_bits(bits: u8) -> String {
    if bits == u8::from(Bits::B32) { "32 (logits)".to_string() } else { bits.to_string() }
}
