//! Random networks: valid artifacts with random weights, the same for the same seed.
//!
//! They are for tests of what is done with an artifact, and for the seeds of the fuzzer. Tests of the kernels
//! make their own layers (`mixq-rt/tests/kernels/case.rs`, `tests/bench`): they compute the expected outputs
//! without the kernels, or run on the device without a heap.

use std::collections::BTreeMap;

use fastrand::Rng;
use mixq_build::engine::config::Scheme;
use mixq_format::{
    Accuracy, Artifact, Bits, Budget, Conv, Depthwise, GroupedConv, Header, Layer, Linear, NamedLayer, Pool,
    SampleChannel, SampleCodes, Task, Tensor,
};

use crate::slide::Slide;

mod inputs;
mod requant;
mod unweighted;

/// How a layer with weights is quantised.
#[derive(Clone, Copy)]
pub struct Quantised {
    /// Of a weight.
    pub weights: Bits,
    /// Of an element of the output; [`Bits::B32`] for logits.
    pub output: Bits,
    /// Which tables there are, and how codes are made; thresholds where the output has 4 or 2 bits.
    pub scheme: Scheme,
}

/// Grows a network from the image to the logits; each layer reads what the one before wrote.
pub struct Builder {
    rng: Rng,
    input: Tensor,
    others: Vec<Tensor>,
    current: Tensor,
    kept: Vec<Tensor>,
    layers: Vec<NamedLayer>,
    parameters: Vec<u8>,
    arena_bytes: u32,
    usual_tables: bool,
}

impl Builder {
    /// Begins with an image of height, width and channels.
    pub fn new(seed: u64, size: [u16; 3]) -> Builder {
        Builder::of_codes(seed, size, Bits::B8)
    }

    /// The same with an image of codes of this width.
    pub fn of_codes(seed: u64, [height, width, channels]: [u16; 3], bits: Bits) -> Builder {
        let mut rng = Rng::with_seed(seed);
        let zero_point = rng.u8(..) & bits.max_code() as u8;
        let input = Tensor { height, width, channels, bits, zero_point, offset: 0 };
        let arena_bytes = input.bytes().next_multiple_of(4) as u32;
        let (layers, parameters) = (Vec::new(), Vec::new());
        let (others, kept, usual_tables) = (Vec::new(), Vec::new(), false);
        Builder { rng, input, others, current: input, kept, layers, parameters, arena_bytes, usual_tables }
    }

    /// Tables of layers to come are as most of the converter's: in its order, and biases with as many bits
    /// below a unit.
    pub fn usual_tables(&mut self) {
        self.usual_tables = true;
    }

    /// What the last layer wrote; stays in the arena for an [`Builder::add`] to come.
    pub fn keep(&mut self) -> Tensor {
        self.kept.push(self.current);
        self.current
    }

    /// A convolution.
    pub fn conv(&mut self, channels: u16, slide: Slide, quantised: Quantised) -> &mut Builder {
        let input = self.current;
        let output = self.output(slide.over(input), channels, quantised.output);
        let taps = slide.kernel[0] * slide.kernel[1];
        let (weights, codes) = self.weights(usize::from(channels * taps), input.channels, quantised.weights);
        let filters: Vec<Vec<i32>> = codes.chunks(taps.into()).map(|rows| rows.concat()).collect();
        let requant = self.requant(output, &filters, quantised);
        let (window, weight_bits) = (slide.window(), quantised.weights);
        self.push(Layer::Conv(Conv { input, output, window, weights, weight_bits, requant }))
    }

    /// A depthwise convolution.
    pub fn depthwise(&mut self, slide: Slide, quantised: Quantised) -> &mut Builder {
        let input = self.current;
        let output = self.output(slide.over(input), input.channels, quantised.output);
        let taps = usize::from(slide.kernel[0] * slide.kernel[1]);
        let (weights, codes) = self.weights(taps, input.channels, quantised.weights);
        let filter = |channel: usize| codes.iter().map(|row| row[channel]).collect();
        let filters: Vec<Vec<i32>> = (0..input.channels.into()).map(filter).collect();
        let requant = self.requant(output, &filters, quantised);
        let (window, weight_bits) = (slide.window(), quantised.weights);
        self.push(Layer::Depthwise(Depthwise { input, output, window, weights, weight_bits, requant }))
    }

    /// A convolution in groups, whose taps are `dilation` pixels apart. The channels are divided evenly.
    pub fn grouped(
        &mut self,
        [channels, groups]: [u16; 2],
        dilation: [u16; 2],
        slide: Slide,
        quantised: Quantised,
    ) -> &mut Builder {
        let input = self.current;
        let span = |axis: usize| (slide.kernel[axis] - 1) * dilation[axis] + 1;
        let span = Slide { kernel: [span(0), span(1)], ..slide };
        let output = self.output(span.over(input), channels, quantised.output);
        let taps = slide.kernel[0] * slide.kernel[1];
        let rows = usize::from(channels * taps);
        let (weights, codes) = self.weights(rows, input.channels / groups, quantised.weights);
        let filters: Vec<Vec<i32>> = codes.chunks(taps.into()).map(|rows| rows.concat()).collect();
        let requant = self.requant(output, &filters, quantised);
        self.push(Layer::GroupedConv(GroupedConv {
            input,
            output,
            window: slide.window(),
            groups,
            dilation_height: dilation[0],
            dilation_width: dilation[1],
            weights,
            weight_bits: quantised.weights,
            requant,
        }))
    }

    /// A fully connected layer.
    pub fn linear(&mut self, channels: u16, quantised: Quantised) -> &mut Builder {
        let input = self.current;
        let output = self.output((1, 1), channels, quantised.output);
        let rows = usize::from(channels) * input.pixels();
        let (weights, codes) = self.weights(rows, input.channels, quantised.weights);
        let filters: Vec<Vec<i32>> = codes.chunks(input.pixels()).map(|rows| rows.concat()).collect();
        let requant = self.requant(output, &filters, quantised);
        self.push(Layer::Linear(Linear { input, output, weights, weight_bits: quantised.weights, requant }))
    }

    /// An average pool.
    pub fn average_pool(&mut self, slide: Slide) -> &mut Builder {
        let pool = self.pool(slide);
        self.push(Layer::AveragePool(pool))
    }

    /// A maximum pool.
    pub fn max_pool(&mut self, slide: Slide) -> &mut Builder {
        let pool = self.pool(slide);
        self.push(Layer::MaxPool(pool))
    }

    /// The artifact, with exact budgets.
    ///
    /// # Panics
    /// If the network is not valid.
    pub fn finish(&mut self, name: &str) -> Artifact {
        let header = Header {
            name: name.to_string(),
            task: Task::default(),
            labels: (0..self.current.channels).map(|class| format!("class {class}")).collect(),
            input: self.input,
            inputs: self.inputs(),
            samples: samples_of(&self.input),
            output: self.current,
            arena_bytes: self.arena_bytes,
            logit_scale: self.rng.f64(),
            outputs: Vec::new(),
            readout: mixq_format::Readout::default(),
            stages: Vec::new(),
            layers: self.layers.clone(),
            fingerprint: BTreeMap::from([("network".to_string(), format!("{:016x}", self.rng.u64(..)))]),
            budget: Budget { flash: 0, ram: self.arena_bytes.into() },
            accuracy: Accuracy {
                float: 0.5,
                fake_quant: 0.5,
                integer: 0.5,
                test_images: 1000,
                ..Accuracy::default()
            },
        };
        let mut artifact = Artifact { header, parameters: self.parameters.clone() };
        artifact.header.budget.flash = artifact.flash_bytes() as u64;
        if let Err(invalid) = artifact.network(&artifact.layers()).validate() {
            panic!("the test's network {name} is not valid: {invalid}");
        }
        artifact
    }

    fn push(&mut self, layer: Layer) -> &mut Builder {
        let (kind, taps) = match &layer {
            Layer::Conv(l) => {
                ("conv", usize::from(l.window.kernel_height * l.window.kernel_width * l.input.channels))
            }
            Layer::Depthwise(l) => ("depthwise", usize::from(l.window.kernel_height * l.window.kernel_width)),
            Layer::Linear(l) => ("linear", l.input.elements()),
            Layer::AveragePool(_) => ("average_pool", 0),
            Layer::MaxPool(_) => ("max_pool", 0),
            Layer::Add(_) => ("add", 0),
            Layer::Multiply(_) => ("multiply", 0),
            Layer::Elementwise(_) => ("elementwise", 0),
            Layer::Prelu(_) => ("prelu", 0),
            Layer::Rearrange(_) => ("rearrange", 0),
            Layer::Resize(_) => ("resize", 0),
            Layer::Constants(_) => ("constants", 0),
            Layer::GroupedConv(l) => ("grouped_conv", l.window.taps() * l.group_channels()),
        };
        self.current = *layer.output();
        let macs = (taps * self.current.elements()) as u64;
        let name = format!("{kind}_{}", self.layers.len());
        self.layers.push(NamedLayer { name, macs, layer });
        self
    }

    fn pool(&mut self, slide: Slide) -> Pool {
        let input = self.current;
        let mut output = self.output(slide.over(input), input.channels, input.bits);
        output.zero_point = input.zero_point;
        Pool { input, output, window: slide.window() }
    }

    /// A tensor at the lowest offset that meets no living tensor.
    fn output(&mut self, (height, width): (u16, u16), channels: u16, bits: Bits) -> Tensor {
        let zero_point = if bits == Bits::B32 { 0 } else { self.rng.u8(..=(bits.max_code() / 2) as u8) };
        let mut tensor = Tensor { height, width, channels, bits, zero_point, offset: 0 };
        let alive: Vec<Tensor> = self.kept.iter().copied().chain([self.current]).collect();
        let ends = alive.iter().map(|t| t.range().end.next_multiple_of(4) as u32);
        let mut offsets: Vec<u32> = ends.chain([0]).collect();
        offsets.sort();
        tensor.offset = *offsets
            .iter()
            .find(|offset| {
                let (start, end) = (**offset as usize, **offset as usize + tensor.bytes());
                alive.iter().all(|t| end <= t.range().start || t.range().end <= start)
            })
            .expect("after the last tensor all is free");
        self.arena_bytes = self.arena_bytes.max(tensor.range().end.next_multiple_of(4) as u32);
        tensor
    }

    /// Appends rows of random weights; answers their offset and what they are.
    fn weights(&mut self, rows: usize, columns: u16, bits: Bits) -> (u32, Vec<Vec<i32>>) {
        let offset = self.parameters.len() as u32;
        let limit = 1 << (bits.count() - 1);
        let mut codes = Vec::new();
        for _ in 0..rows {
            let row: Vec<i32> = (0..columns).map(|_| self.rng.i32(-limit..limit)).collect();
            let mut packed = vec![0; bits.row_bytes(row.len())];
            for (index, code) in row.iter().enumerate() {
                let bit = index * bits.count();
                packed[bit / 8] |= ((code & bits.max_code()) << (bit % 8)) as u8;
            }
            self.parameters.extend(packed);
            codes.push(row);
        }
        (offset, codes)
    }

    /// The mean of the codes of the current tensor, for one random image.
    fn mean_code(&mut self) -> f64 {
        let mut arena = vec![0; self.arena_bytes as usize];
        for input in std::iter::once(&self.input).chain(&self.others) {
            self.rng.fill(&mut arena[input.range()]);
        }
        for named in &self.layers {
            mixq_rt::run_layer(&named.layer, &self.parameters, &mut arena);
        }
        let codes = unpacked(&self.current, &arena);
        f64::from(codes.iter().sum::<i32>()) / codes.len() as f64
    }

    fn append<const N: usize>(&mut self, entries: impl Iterator<Item = [u8; N]>) -> u32 {
        let offset = self.parameters.len() as u32;
        self.parameters.extend(entries.flatten());
        offset
    }
}

/// Of an input with fewer than 8 bits: samples that are codes as they are.
pub(crate) fn samples_of(input: &Tensor) -> Vec<SampleChannel> {
    let codes = SampleCodes { multiplier: 1 << 14, shift: 14, zero_point: 0 };
    if input.bits == Bits::B8 { Vec::new() } else { vec![SampleChannel { unit: 1.0, codes }] }
}

/// All codes of a tensor.
fn unpacked(tensor: &Tensor, arena: &[u8]) -> Vec<i32> {
    let bits = tensor.bits.count();
    let row = |pixel: &[u8]| {
        let code =
            |index: usize| i32::from(pixel[index * bits / 8] >> (index * bits % 8)) & tensor.bits.max_code();
        (0..tensor.channels.into()).map(code).collect::<Vec<i32>>()
    };
    arena[tensor.range()].chunks(tensor.pixel_bytes()).flat_map(row).collect()
}
