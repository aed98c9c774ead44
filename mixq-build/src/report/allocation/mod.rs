//! What an allocation is, in figures, before anything is trained.

mod build;

use serde::Serialize;

use super::{InputReport, SpeedReport, StageReport};
use crate::settings::Scheme;

/// The figures of an allocation; sizes in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AllocationReport {
    /// The network, as it was named.
    pub network: String,
    /// How memory is counted.
    pub memory_model: &'static str,
    /// How finely weights are scaled.
    pub scheme: Scheme,
    /// What the network reads.
    pub inputs: Vec<InputReport>,
    /// The steps of the network; with memory model `paper` its layers with weights.
    pub layers: Vec<LayerAllocation>,
    /// Multiply-accumulates for one image.
    pub macs: u64,
    /// Bits of the weights of each weighted layer.
    pub weight_bits: Vec<u8>,
    /// Bits of the output of each weighted layer; of the last 32, with memory model `paper` 8.
    pub activation_bits: Vec<u8>,
    /// Flash that it takes.
    pub flash_bytes: u64,
    /// Flash that it may take; `None`: any.
    pub flash_budget: Option<u64>,
    /// RAM that it takes, that for speed included.
    pub ram_bytes: u64,
    /// How fast it is, if weights are as most are.
    #[serde(flatten)]
    pub speed: SpeedReport,
    /// RAM that it may take; `None`: any.
    pub ram_budget: Option<u64>,
    /// The layer while which most bytes live.
    pub peak_layer: String,
    /// The most bytes that live at a time: no arena is smaller. Memory model `paper` plans none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arena_lower_bound: Option<u64>,
    /// RAM in which no activation has to lose bits; not with memory model `paper`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncut: Option<Uncut>,
    /// The runs of layers that are executed in stripes of rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageReport>,
    /// What was cut, in order.
    pub cuts: Vec<CutReport>,
    /// What else there is to know: layers that have fewer bits for the sake of their sums.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Whether it fits: what does not is a problem instead.
    pub fits: bool,
}

/// Bytes of RAM in which no activation has to lose bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Uncut {
    /// Where layers are executed on whole tensors.
    pub whole_bytes: u64,
    /// Where runs of layers are executed in stripes of rows: the least.
    pub stripes_bytes: u64,
    /// The least where the image comes in rows, too; `None` if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_bytes: Option<u64>,
}

/// The figures of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerAllocation {
    /// Its name.
    pub name: String,
    /// "conv 3x3", "depthwise 3x3", ...
    pub kind: String,
    /// Height, width, channels of the output.
    pub shape: [usize; 3],
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bits of the weights, if it has any.
    pub weight_bits: Option<u8>,
    /// Bytes of the packed weights, without the parameters beside them.
    pub weight_bytes: u64,
    /// Bits of the output.
    pub activation_bits: u8,
    /// Bytes of the output that the arena holds: in a stage, those of the rows that are still needed.
    pub output_bytes: u64,
    /// Bytes that live while it runs.
    pub live_bytes: u64,
    /// Instructions, by the cost model.
    pub instructions: Option<u64>,
    /// Cycles on a Cortex-M4 without wait states, estimated.
    pub cycles_estimate: Option<u64>,
}

/// One halving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CutReport {
    /// The layer.
    pub layer: String,
    /// Which of its tensors lost bits.
    pub tensor: CutTensor,
    /// Bits before.
    pub from: u8,
    /// Bits after.
    pub to: u8,
}

/// The tensor of a layer that loses bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutTensor {
    /// Its weights.
    Weights,
    /// Its output.
    Output,
}

impl AllocationReport {
    /// The figures as JSON, with these names.
    pub fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("figures are always representable")
    }

    /// The halvings of a layer with their running numbers, from 1: "w8>4 #3, a8>4 #1".
    pub fn cuts_of(&self, layer: &str) -> String {
        let of_layer = (1..).zip(&self.cuts).filter(|(_, cut)| cut.layer == layer);
        let shown = of_layer.map(|(number, cut)| {
            let tensor = match cut.tensor {
                CutTensor::Weights => 'w',
                CutTensor::Output => 'a',
            };
            format!("{tensor}{}>{} #{number}", cut.from, cut.to)
        });
        shown.collect::<Vec<_>>().join(", ")
    }
}
