//! The formulas themselves: unpacked 64-bit vectors, explicit padding, 128-bit requantisation. Nothing
//! here uses the crate under test.

/// An unpacked tensor: HWC, with the zero point of its codes.
#[derive(Clone, Debug)]
pub struct Image {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub zero_point: i64,
    pub codes: Vec<i64>,
}

impl Image {
    pub fn get(&self, y: i64, x: i64, channel: usize) -> Option<i64> {
        let inside = (0..self.height as i64).contains(&y) && (0..self.width as i64).contains(&x);
        inside.then(|| self.codes[(y as usize * self.width + x as usize) * self.channels + channel])
    }
}

/// A window with all four paddings.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// Top, bottom, left, right.
    pub padding: [usize; 4],
}

impl Window {
    /// Height and width of the output.
    pub fn outputs(&self, height: usize, width: usize) -> [usize; 2] {
        let [top, bottom, left, right] = self.padding;
        [
            (height + top + bottom - self.kernel[0]) / self.stride[0] + 1,
            (width + left + right - self.kernel[1]) / self.stride[1] + 1,
        ]
    }

    /// The input coordinates that each tap of output pixel `(y, x)` sees, row by row.
    fn taps(&self, y: usize, x: usize) -> Vec<(i64, i64)> {
        let top = (y * self.stride[0]) as i64 - self.padding[0] as i64;
        let left = (x * self.stride[1]) as i64 - self.padding[2] as i64;
        let rows = 0..self.kernel[0] as i64;
        rows.flat_map(|row| (0..self.kernel[1] as i64).map(move |column| (top + row, left + column)))
            .collect()
    }
}

/// Calls `value(y, x, channel)` for every element of an output, in HWC order.
fn each(
    [height, width]: [usize; 2],
    channels: usize,
    mut value: impl FnMut(usize, usize, usize) -> i64,
) -> Vec<i64> {
    let mut values = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for channel in 0..channels {
                values.push(value(y, x, channel));
            }
        }
    }
    values
}

/// `sum((q_x - Z_x)(s_w - Z_w(c)))` in HWC order; weights in the order `[filter][row][column][channel]`.
pub fn conv(input: &Image, window: &Window, weights: &[i64], zero_points: &[i64]) -> Vec<i64> {
    let filter = window.kernel[0] * window.kernel[1] * input.channels;
    each(window.outputs(input.height, input.width), zero_points.len(), |y, x, channel| {
        let mut weight = weights[channel * filter..][..filter].iter();
        let mut sum = 0;
        for (row, column) in window.taps(y, x) {
            for c in 0..input.channels {
                let code = input.get(row, column, c).unwrap_or(input.zero_point);
                sum += (code - input.zero_point) * (weight.next().unwrap() - zero_points[channel]);
            }
        }
        sum
    })
}

/// The same for a convolution whose channels are in groups and whose taps are `dilation` pixels apart;
/// weights in the order `[filter][row][column][channel of the group]`. `size`: height and width of the
/// output.
pub fn grouped(
    input: &Image,
    (window, dilation, groups): (&Window, [usize; 2], usize),
    size: [usize; 2],
    weights: &[i64],
    zero_points: &[i64],
) -> Vec<i64> {
    let filters = zero_points.len();
    let see = |axis: usize, at: usize, tap: usize| {
        (at * window.stride[axis] + tap * dilation[axis]) as i64 - window.padding[2 * axis] as i64
    };
    let inputs = (0..input.channels).collect::<Vec<_>>();
    let of_group: Vec<&[usize]> = inputs.chunks(input.channels / groups).collect();
    each(size, filters, |y, x, filter| {
        let channels = of_group[filter * groups / filters];
        let mut weight = weights.chunks(window.kernel[0] * window.kernel[1] * channels.len());
        let mut weight = weight.nth(filter).unwrap().iter();
        let mut sum = 0;
        for (row, column) in
            (0..window.kernel[0]).flat_map(|row| (0..window.kernel[1]).map(move |c| (row, c)))
        {
            for channel in channels {
                let code = input.get(see(0, y, row), see(1, x, column), *channel).unwrap_or(input.zero_point);
                sum += (code - input.zero_point) * (weight.next().unwrap() - zero_points[filter]);
            }
        }
        sum
    })
}

/// The same for a depthwise convolution; weights in the order `[row][column][channel]`.
pub fn depthwise(input: &Image, window: &Window, weights: &[i64], zero_points: &[i64]) -> Vec<i64> {
    each(window.outputs(input.height, input.width), input.channels, |y, x, channel| {
        let taps = window.taps(y, x).into_iter().enumerate();
        taps.map(|(tap, (row, column))| {
            let code = input.get(row, column, channel).unwrap_or(input.zero_point);
            let weight = weights[tap * input.channels + channel];
            (code - input.zero_point) * (weight - zero_points[channel])
        })
        .sum()
    })
}

/// The codes of the window's pixels that are no padding, for each output element.
pub fn windows(input: &Image, window: &Window) -> Vec<Vec<i64>> {
    let mut all = Vec::new();
    each(window.outputs(input.height, input.width), input.channels, |y, x, channel| {
        let taps = window.taps(y, x).into_iter();
        all.push(taps.filter_map(|(row, column)| input.get(row, column, channel)).collect());
        0
    });
    all
}

/// `floor(a / 2^shift)`.
pub fn floor_shift(a: i128, shift: u32) -> i128 {
    let divisor = 1i128 << shift;
    let quotient = a / divisor;
    if a % divisor < 0 { quotient - 1 } else { quotient }
}

/// `clamp(Z_y + floor((accumulator + bias) M0 / 2^shift), 0, N_b)`; `bits` 32: not clamped.
pub fn requantise(accumulator: i64, multiplier: i32, shift: u32, zero_point: i64, bits: u32) -> i64 {
    let scaled =
        floor_shift(i128::from(accumulator) * i128::from(multiplier), shift) + i128::from(zero_point);
    let value = if bits == 32 { scaled } else { scaled.max(0).min((1 << bits) - 1) };
    value.try_into().unwrap()
}

/// Packs rows of `columns` elements: element `i` at bit `i * bits` of its row, rows on whole bytes.
pub fn pack(elements: &[i64], columns: usize, bits: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in elements.chunks(columns) {
        let mut packed = vec![0u8; (columns * bits).div_ceil(8)];
        for (index, element) in row.iter().enumerate() {
            for bit in 0..bits {
                let at = index * bits + bit;
                packed[at / 8] |= ((element >> bit & 1) as u8) << (at % 8);
            }
        }
        bytes.extend(packed);
    }
    bytes
}
