//! The whole network, and the checks that make it safe to execute.

use crate::{Bits, Layer, Requant, Tensor, rules};

/// An integer network: layers in the order of execution, their parameters, and the shape of its arena.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    /// The steps, in order.
    pub layers: &'a [Layer],
    /// Packed weights and requantisation tables.
    pub parameters: &'a [u8],
    /// The image: 8-bit codes.
    pub input: Tensor,
    /// The logits: one pixel of 32-bit integers on one common scale.
    pub output: Tensor,
    /// Bytes of RAM for all activations, a multiple of 4.
    pub arena_bytes: u32,
}

/// What makes a network unfit to be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Index of the layer, or `None` for the network as a whole.
    pub layer: Option<usize>,
    /// What is wrong.
    pub reason: &'static str,
}

impl core::fmt::Display for Invalid {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.layer {
            Some(layer) => write!(f, "layer {layer}: {}", self.reason),
            None => f.write_str(self.reason),
        }
    }
}

impl core::error::Error for Invalid {}

impl Network<'_> {
    /// Bytes of constants that the linked image holds for this network: parameters (padded to a
    /// multiple of 4) and layer tables.
    pub fn flash_bytes(&self) -> usize {
        let tables: usize = self.layers.iter().map(Layer::table_bytes).sum();
        self.parameters.len().next_multiple_of(4) + tables
    }

    /// Bytes of RAM that the linked image holds for this network: the arena, which includes the
    /// image and the logits.
    pub fn ram_bytes(&self) -> usize {
        self.arena_bytes as usize
    }

    /// Checks all that the kernels rely on: shapes that chain, windows that meet their input, aligned offsets
    /// inside the parameter block and the arena, no output over a tensor that is still to be read, zero
    /// points that are codes, thresholds that ascend, and pools and windows whose sums fit 32 bits.
    ///
    /// That the sums of weights and inputs do, the build proves of the weights that it writes; where they do
    /// not, all targets wrap alike.
    ///
    /// # Errors
    /// The first layer that breaks a rule, and which.
    pub fn validate(&self) -> Result<(), Invalid> {
        let whole = |reason| Invalid { layer: None, reason };
        if self.layers.is_empty() {
            return Err(whole("no layers"));
        }
        if self.input.bits != Bits::B8 {
            return Err(whole("the input is not 8 bits wide"));
        }
        let logits = &self.output;
        if logits.bits != Bits::B32 || logits.pixels() != 1 || !logits.offset.is_multiple_of(4) {
            return Err(whole("the output is not one aligned pixel of 32-bit logits"));
        }
        if self.layers[self.layers.len() - 1].output() != logits {
            return Err(whole("the last layer does not write the output"));
        }
        if !self.arena_bytes.is_multiple_of(4) || rules::range(&self.input).end > u64::from(self.arena_bytes)
        {
            return Err(whole("the input does not fit the arena"));
        }
        for (index, layer) in self.layers.iter().enumerate() {
            self.validate_layer(index, layer).map_err(|reason| Invalid { layer: Some(index), reason })?;
        }
        Ok(())
    }

    fn validate_layer(&self, index: usize, layer: &Layer) -> Result<(), &'static str> {
        let y = layer.output();
        let last = index + 1 == self.layers.len();
        for tensor in layer.inputs().chain([y]) {
            rules::tensor(tensor, self.arena_bytes)?;
        }
        for input in layer.inputs() {
            if input.bits == Bits::B32 {
                return Err("logits are read by a layer");
            }
            let in_place = matches!(layer, Layer::Add(_)) && input.offset == y.offset && input.bits == y.bits;
            let (i, o) = (rules::range(input), rules::range(y));
            if i.start < o.end && o.start < i.end && !in_place {
                return Err("the output overlaps an input");
            }
            let written = || self.layers[..index].iter().any(|earlier| earlier.output() == input);
            if *input != self.input && !written() {
                return Err("an input is written by no earlier layer");
            }
        }
        if (y.bits == Bits::B32) != last {
            return Err("logits are written by the last layer and no other");
        }
        rules::inputs_are_there(self.layers, index)?;
        validate_shapes(layer)?;
        rules::sums(layer)?;
        self.validate_parameters(layer)
    }

    fn validate_parameters(&self, layer: &Layer) -> Result<(), &'static str> {
        let within = |offset: u32, bytes: u64| {
            u64::from(offset).checked_add(bytes).is_some_and(|end| end <= self.parameters.len() as u64)
        };
        let holds = |offset: u32, bytes: usize| within(offset, bytes as u64);
        if let (Some((offset, bytes, bits)), Some(requant)) = (rules::weights(layer), layer.requant()) {
            if bits == Bits::B32 {
                return Err("weights have 8, 4 or 2 bits");
            }
            if !within(offset, bytes) {
                return Err("weights reach beyond the parameters");
            }
            validate_rule(requant, layer.output())?;
            let channels = layer.output().channels as usize;
            let multipliers = requant.multipliers(channels);
            let within = holds(requant.weight_zero_point, requant.zero_points(channels))
                && match requant.rule.threshold_bytes() {
                    None => {
                        holds(requant.bias, 4 * channels)
                            && holds(requant.multiplier, 4 * multipliers)
                            && holds(requant.shift, multipliers)
                    }
                    Some(bytes) => {
                        let thresholds = layer.output().bits.max_code() as usize * channels;
                        holds(requant.multiplier, bytes * thresholds)
                    }
                };
            if !within {
                return Err("a requantisation table reaches beyond the parameters");
            }
            if multipliers > 0 {
                let shifts = &self.parameters[requant.shift as usize..][..multipliers];
                if shifts.iter().any(|shift| *shift > 63) {
                    return Err("a shift is over 63");
                }
            }
            rules::tables(requant, bits, layer.output(), self.parameters)?;
        }
        Ok(())
    }
}

fn validate_rule(requant: &Requant, output: &Tensor) -> Result<(), &'static str> {
    if requant.multiplier_step > 1 || requant.zero_point_step > 1 {
        return Err("a step is neither 0 nor 1");
    }
    if requant.fraction > 8 {
        return Err("a bias has more than 8 bits of fraction");
    }
    let narrow = matches!(output.bits, Bits::B2 | Bits::B4);
    if requant.rule.threshold_bytes().is_some() && !narrow {
        return Err("thresholds make codes of 4 or 2 bits");
    }
    Ok(())
}

fn validate_shapes(layer: &Layer) -> Result<(), &'static str> {
    let a = layer.first_input();
    let y = layer.output();
    if let Some(window) = layer.window() {
        if window.kernel_height == 0
            || window.kernel_width == 0
            || window.stride_height == 0
            || window.stride_width == 0
        {
            return Err("a window or a stride is empty");
        }
        // The first and the last position of the window must meet the input; those between then do.
        let meets = |outputs: u16, stride: u16, pad: u16, kernel: u16, inputs: u16| {
            let last = (i64::from(outputs) - 1) * i64::from(stride) - i64::from(pad);
            pad < kernel && last < i64::from(inputs)
        };
        if !meets(y.height, window.stride_height, window.pad_top, window.kernel_height, a.height)
            || !meets(y.width, window.stride_width, window.pad_left, window.kernel_width, a.width)
        {
            return Err("a window lies wholly in the padding");
        }
    }
    match layer {
        Layer::Conv(_) => Ok(()),
        Layer::Depthwise(_) if a.channels != y.channels => Err("a depthwise layer changes the channels"),
        Layer::Depthwise(_) => Ok(()),
        Layer::Linear(_) if y.pixels() != 1 => Err("a linear layer writes more than one pixel"),
        Layer::Linear(_) => Ok(()),
        Layer::AveragePool(_) | Layer::MaxPool(_) => {
            if (a.channels, a.bits, a.zero_point) != (y.channels, y.bits, y.zero_point) {
                return Err("a pool changes channels, bits or zero point");
            }
            Ok(())
        }
        Layer::Add(add) => {
            let shape = |t: &Tensor| (t.height, t.width, t.channels);
            if shape(&add.b) != shape(a) || shape(y) != shape(a) {
                return Err("the shapes of an addition differ");
            }
            let small = |multiplier: i32| multiplier.unsigned_abs() < 1 << 22;
            if !small(add.multiplier_a) || !small(add.multiplier_b) || add.shift == 0 || add.shift > 31 {
                return Err("a multiplier or the shift of an addition is out of range");
            }
            Ok(())
        }
    }
}
