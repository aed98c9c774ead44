//! A chain of layers with random weights, computed by plain arithmetic as it grows.
//!
//! `tests/random.rs` cannot take its place: it makes networks with the kernels, which are checked here.

use std::fmt::Write;
use std::path::Path;

use fastrand::Rng;
use mixq_format::target::LaidOut;
use mixq_format::{Bits, Conv, Depthwise, Layer, Linear, Pool, Requant, Rule, Tensor, Window as TableWindow};

use crate::reference::{self, Image, Window};

/// Bytes of the arena beyond the largest two tensors, unless there shall be none: more than is of use.
const SCRATCH: usize = 2656;

/// Layers, and what goes in and comes out.
pub struct Network {
    rng: Rng,
    image: Image,
    bits: Bits,
    /// Where the last output lies: outputs alternate between the two ends of the arena.
    tensors: Vec<(Image, Bits)>,
    steps: Vec<Step>,
    parameters: Vec<u8>,
    macs: u64,
}

/// A layer but for the places of its tensors.
enum Step {
    Conv { window: TableWindow, weights: u32, bits: Bits, requant: Requant },
    Depthwise { window: TableWindow, weights: u32, bits: Bits, requant: Requant },
    Linear { weights: u32, bits: Bits, requant: Requant },
    AveragePool { window: TableWindow },
}

impl Network {
    /// Begins with random codes of height, width and channels.
    pub fn new(seed: u64, [height, width, channels]: [usize; 3], bits: Bits) -> Network {
        let mut rng = Rng::with_seed(seed);
        let codes = (0..height * width * channels).map(|_| rng.i64(0..=bits.max_code().into())).collect();
        let image = Image { height, width, channels, zero_point: 0, codes };
        let tensors = vec![(image.clone(), bits)];
        Network { rng, image, bits, tensors, steps: Vec::new(), parameters: Vec::new(), macs: 0 }
    }

    pub fn conv(mut self, filters: usize, window: Window, bits: Bits, output: Bits) -> Network {
        let taps = window.kernel[0] * window.kernel[1];
        let weights = self.weights(filters * taps * self.image.channels, bits);
        let zero_points = self.zero_points(filters, bits);
        let sums = reference::conv(&self.image, &window, &weights, &zero_points);
        let offset = self.append(&reference::pack(&weights, self.image.channels, bits.count()));
        let requant = self.requant(&sums, &zero_points, output);
        self.steps.push(Step::Conv { window: table(&window), weights: offset, bits, requant });
        let (outputs, elements) =
            (window.outputs(self.image.height, self.image.width), taps * self.image.channels);
        self.advance(outputs, filters, output, elements)
    }

    pub fn depthwise(mut self, window: Window, bits: Bits, output: Bits) -> Network {
        let (taps, channels) = (window.kernel[0] * window.kernel[1], self.image.channels);
        let weights = self.weights(taps * channels, bits);
        let zero_points = self.zero_points(channels, bits);
        let sums = reference::depthwise(&self.image, &window, &weights, &zero_points);
        let offset = self.append(&reference::pack(&weights, channels, bits.count()));
        let requant = self.requant(&sums, &zero_points, output);
        self.steps.push(Step::Depthwise { window: table(&window), weights: offset, bits, requant });
        let outputs = window.outputs(self.image.height, self.image.width);
        self.advance(outputs, channels, output, taps)
    }

    pub fn linear(mut self, filters: usize, bits: Bits, output: Bits) -> Network {
        let elements = self.image.codes.len();
        let weights = self.weights(filters * elements, bits);
        let zero_points = self.zero_points(filters, bits);
        let window =
            Window { kernel: [self.image.height, self.image.width], stride: [1, 1], padding: [0; 4] };
        let sums = reference::conv(&self.image, &window, &weights, &zero_points);
        let offset = self.append(&reference::pack(&weights, self.image.channels, bits.count()));
        let requant = self.requant(&sums, &zero_points, output);
        self.steps.push(Step::Linear { weights: offset, bits, requant });
        self.advance([1, 1], filters, output, elements)
    }

    /// Over the whole image.
    pub fn average_pool(mut self) -> Network {
        let window =
            Window { kernel: [self.image.height, self.image.width], stride: [1, 1], padding: [0; 4] };
        let mean = |codes: Vec<i64>| {
            let count = codes.len() as i64;
            (2 * codes.iter().sum::<i64>() + count).div_euclid(2 * count)
        };
        let codes = reference::windows(&self.image, &window).into_iter().map(mean).collect();
        self.steps.push(Step::AveragePool { window: table(&window) });
        let (bits, channels) = (self.bits, self.image.channels);
        self.image.codes = codes;
        self.advance([1, 1], channels, bits, 0)
    }

    /// The codes are already in `image`.
    fn advance(mut self, [height, width]: [usize; 2], channels: usize, bits: Bits, taps: usize) -> Network {
        (self.image.height, self.image.width, self.image.channels) = (height, width, channels);
        self.macs += (height * width * channels * taps) as u64;
        self.bits = bits;
        self.tensors.push((self.image.clone(), bits));
        self
    }

    fn weights(&mut self, count: usize, bits: Bits) -> Vec<i64> {
        let limit = 1 << (bits.count() - 1);
        (0..count).map(|_| self.rng.i64(-limit..limit)).collect()
    }

    /// Asymmetric by channel, none of them 0 at 8 and 4 bits.
    fn zero_points(&mut self, channels: usize, bits: Bits) -> Vec<i64> {
        let reach = 1 << (bits.count() / 2);
        (0..channels).map(|_| self.rng.i64(-reach / 2..0)).collect()
    }

    fn append(&mut self, bytes: &[u8]) -> u32 {
        let offset = self.parameters.len() as u32;
        self.parameters.extend(bytes);
        offset
    }

    /// Tables that spread these sums (HWC) over the codes or logits; leaves the codes in `image`.
    fn requant(&mut self, sums: &[i64], zero_points: &[i64], bits: Bits) -> Requant {
        let channels = zero_points.len();
        let range = if bits == Bits::B32 { f64::from(1 << 20) } else { f64::from(bits.max_code()) };
        let fraction = if bits == Bits::B32 { 0 } else { Requant::FRACTION };
        let unit = f64::from(1 << fraction);
        let (mut biases, mut multipliers, mut shifts) = (vec![], vec![], vec![]);
        for channel in 0..channels {
            let of_channel: Vec<f64> =
                sums[channel..].iter().step_by(channels).map(|sum| *sum as f64).collect();
            let mean = of_channel.iter().sum::<f64>() / of_channel.len() as f64;
            let variance =
                of_channel.iter().map(|sum| (sum - mean).powi(2)).sum::<f64>() / of_channel.len() as f64;
            // Four standard deviations cover the range; a constant channel has about that of its magnitude.
            let deviation = if variance > 0.0 { variance.sqrt() } else { mean.abs().max(1.0) };
            let real = range / (4.0 * deviation) * (0.9 + 0.2 * self.rng.f64()) / unit;
            let shift = 30 - real.log2().floor() as i32;
            multipliers.push((real * 2f64.powi(shift)) as i32);
            shifts.push(u8::try_from(shift).expect("a multiplier of a usual size"));
            biases.push((range / 2.0 / real - mean * unit) as i64);
        }
        let code = |(index, sum): (usize, &i64)| {
            let c = index % channels;
            reference::requantise(
                (sum << fraction) + biases[c],
                multipliers[c],
                shifts[c].into(),
                0,
                bits.count() as u32,
            )
        };
        let codes = sums.iter().enumerate().map(code).collect();
        let words =
            |values: &[i64]| values.iter().flat_map(|v| (*v as i32).to_le_bytes()).collect::<Vec<u8>>();
        let bias = self.append(&words(&biases));
        let multiplier = self.append(&multipliers.iter().flat_map(|m| m.to_le_bytes()).collect::<Vec<u8>>());
        let shift = self.append(&shifts);
        let weight_zero_point = self.append(&zero_points.iter().map(|z| *z as u8).collect::<Vec<u8>>());
        self.image.codes = codes;
        Requant {
            bias,
            multiplier,
            shift,
            weight_zero_point,
            rule: Rule::Multiplier,
            multiplier_step: 1,
            zero_point_step: 1,
            fraction,
        }
    }

    /// Writes the files of a workload into a folder; an entry for the list of workloads.
    /// `spare`: whether kernels have room to work in.
    pub fn write(&self, name: &str, folder: &Path, spare: bool) -> String {
        let bytes = |image: &Image, bits: Bits| match bits {
            Bits::B32 => image.codes.iter().flat_map(|code| (*code as i32).to_le_bytes()).collect(),
            _ => reference::pack(&image.codes, image.channels, bits.count()),
        };
        let sizes = self.tensors.windows(2).map(|pair| {
            let bytes = |t: &(Image, Bits)| bytes(&t.0, t.1).len().next_multiple_of(4);
            bytes(&pair[0]) + bytes(&pair[1])
        });
        let arena = sizes.max().expect("a network has layers").next_multiple_of(8);
        let arena = arena + if spare { SCRATCH } else { 0 };
        let tensors: Vec<Tensor> = (self.tensors.iter().enumerate())
            .map(|(index, (image, bits))| {
                let size = self::Network::size(image, *bits);
                let offset = if index % 2 == 0 { 0 } else { (arena - size) & !3 };
                Tensor {
                    height: image.height as u16,
                    width: image.width as u16,
                    channels: image.channels as u16,
                    bits: *bits,
                    zero_point: 0,
                    offset: offset as u32,
                }
            })
            .collect();
        let layers: Vec<Layer> = (self.steps.iter().enumerate())
            .map(|(index, step)| step.layer(tensors[index], tensors[index + 1]))
            .collect();

        let (first, last) = (&self.tensors[0], &self.tensors[self.tensors.len() - 1]);
        let file = |kind: &str, bytes: &[u8]| {
            std::fs::write(folder.join(format!("{name}.{kind}")), bytes).expect("OUT_DIR can be written");
        };
        file("input", &bytes(&first.0, first.1));
        file("expected", &bytes(&last.0, last.1));
        let LaidOut { layers, parameters, kernels } =
            crate::target().lay_out(&layers, &self.parameters, arena as u32);
        file("parameters", &parameters);
        let mut code = format!(
            "workload! {{ {name} {} {arena} {} {} {}\n\
             fn run(parameters: &[u8], arena: &mut [u8]) {{\n    \
             let parameters = parameters.first_chunk().expect(\"parameters are whole\");\n    \
             let arena = arena.first_chunk_mut().expect(\"the arena is whole\");\n",
            self.macs,
            tensors[0].offset,
            tensors[layers.len()].offset,
            kernels.iter().map(|kernel| kernel.scratch_bytes).max().unwrap_or(0)
        );
        for (layer, kernel) in layers.iter().zip(kernels) {
            let table = format!("{:?}", layer.table());
            let kind = table.split(' ').next().expect("a table begins with its type");
            let call = kernel.call("core::hint::black_box(&TABLE)");
            let checked = format!("Checked::<{kind}, {}, {arena}>", parameters.len());
            let _ = writeln!(code, "    {{ static TABLE: {checked} = {checked}::new({table}); {call} }}");
        }
        code + "} }\n"
    }

    fn size(image: &Image, bits: Bits) -> usize {
        image.height * image.width * bits.row_bytes(image.channels)
    }
}

impl Step {
    fn layer(&self, input: Tensor, output: Tensor) -> Layer {
        match *self {
            Step::Conv { window, weights, bits, requant } => {
                Layer::Conv(Conv { input, output, window, weights, weight_bits: bits, requant })
            }
            Step::Depthwise { window, weights, bits, requant } => {
                Layer::Depthwise(Depthwise { input, output, window, weights, weight_bits: bits, requant })
            }
            Step::Linear { weights, bits, requant } => {
                Layer::Linear(Linear { input, output, weights, weight_bits: bits, requant })
            }
            Step::AveragePool { window } => Layer::AveragePool(Pool { input, output, window }),
        }
    }
}

fn table(window: &Window) -> TableWindow {
    TableWindow {
        kernel_height: window.kernel[0] as u16,
        kernel_width: window.kernel[1] as u16,
        stride_height: window.stride[0] as u16,
        stride_width: window.stride[1] as u16,
        pad_top: window.padding[0] as u16,
        pad_left: window.padding[2] as u16,
    }
}
