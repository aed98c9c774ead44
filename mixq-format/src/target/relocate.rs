//! Moves the tables of a network in its parameters, so that tables of whole words begin at words.

use std::ops::Range;

use crate::{Layer, Requant};

/// Bytes that tables are aligned to.
const WORD: usize = 4;

/// Where a unit must begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At a word. The unit is whole words.
    Word,
    /// Two bytes after the start of a word. The unit is whole words.
    HalfWord,
    /// At any byte.
    Anywhere,
}

impl Place {
    /// The place of a table of `bytes` bytes: at a word if it is whole words, else anywhere.
    fn of(bytes: usize) -> Place {
        if bytes.is_multiple_of(WORD) { Place::Word } else { Place::Anywhere }
    }
}

/// Parameters that stay together: a table, or all tables of a layer.
#[derive(Clone, PartialEq, Eq)]
struct Unit {
    /// Where the unit lies before it is moved.
    bytes: Range<usize>,
    place: Place,
}

impl Unit {
    /// Bytes after the last whole word.
    fn rest(&self) -> usize {
        self.bytes.len() % WORD
    }
}

/// Moves the tables of all layers so that tables of whole words begin at words. The parameters keep their
/// size. Returns the moved parameters, and writes the new offsets to the layers. Bytes that belong to no
/// table are dropped. If tables overlap, nothing is moved.
///
/// `together`: whether the tables of a layer, which follow one another, must stay together, and where they
/// must begin.
///
/// # Panics
/// If `parameters` are not those of the layers.
pub(super) fn relocate(
    layers: &mut [Layer],
    parameters: &[u8],
    together: impl Fn(&Layer) -> Option<Place>,
) -> Vec<u8> {
    let mut units: Vec<Unit> =
        layers.iter_mut().flat_map(|layer| units_of(together(layer), tables_of(layer))).collect();
    units.sort_by_key(|unit| (unit.bytes.start, unit.bytes.end));
    units.dedup();
    if units.windows(2).any(|pair| pair[0].bytes.end > pair[1].bytes.start) {
        return parameters.to_vec();
    }
    let at = |place: Place| units.iter().filter(move |unit| unit.place == place).cloned();
    let (words, halves) = (at(Place::Word).collect(), at(Place::HalfWord).collect());
    let mut others: Vec<Unit> = at(Place::Anywhere).collect();
    // Between the units at words and those at half words go two bytes more than whole words: one unit, or
    // two.
    let mut between = Vec::new();
    let one = others.iter().position(|unit| unit.rest() == 2);
    let two = [1, 3].into_iter().find_map(|rest| {
        let mut odd = (0..others.len()).filter(|index| others[*index].rest() == rest);
        Some([odd.next()?, odd.next()?])
    });
    let chosen = one.map(|one| vec![one]).or(two.map(Vec::from)).unwrap_or_default();
    for index in chosen.into_iter().rev() {
        between.push(others.remove(index));
    }
    let (mut moved, mut places) = (Vec::with_capacity(parameters.len()), Vec::new());
    for unit in [words, between, halves, others].concat() {
        places.push((unit.bytes.clone(), moved.len()));
        moved.extend_from_slice(&parameters[unit.bytes]);
    }
    moved.resize(parameters.len(), 0);
    for (offset, table) in layers.iter_mut().flat_map(tables_of) {
        let place = places.iter().find(|(bytes, _)| bytes.contains(&table.start));
        let (bytes, start) = place.expect("every table is in a unit");
        *offset = (start + table.start - bytes.start) as u32;
    }
    moved
}

/// The units of a layer: each table is one, or all tables are one.
fn units_of(together: Option<Place>, tables: Vec<(&mut u32, Range<usize>)>) -> Vec<Unit> {
    let tables = tables.into_iter().map(|(_, table)| table);
    match together {
        Some(place) => {
            let all = tables.reduce(|all, table| all.start.min(table.start)..all.end.max(table.end));
            let bytes = all.unwrap_or_default();
            let place = if bytes.len().is_multiple_of(WORD) { place } else { Place::Anywhere };
            vec![Unit { bytes, place }]
        }
        None => tables.map(|bytes| Unit { place: Place::of(bytes.len()), bytes }).collect(),
    }
}

/// The tables that a layer reads: for each the field with its offset, and the bytes where it lies.
fn tables_of(layer: &mut Layer) -> Vec<(&mut u32, Range<usize>)> {
    let output = *layer.output();
    let channels = usize::from(output.channels);
    let weight_bytes = layer.weights().map_or(0, |(_, rows, columns, bits)| rows * bits.row_bytes(columns));
    let (weights, requant) = match layer {
        Layer::Conv(layer) => (&mut layer.weights, &mut layer.requant),
        Layer::Depthwise(layer) => (&mut layer.weights, &mut layer.requant),
        Layer::Linear(layer) => (&mut layer.weights, &mut layer.requant),
        Layer::GroupedConv(layer) => (&mut layer.weights, &mut layer.requant),
        Layer::Elementwise(layer) => {
            let (start, entries) = (layer.codes as usize, layer.entries());
            return vec![(&mut layer.codes, start..start + entries)];
        }
        Layer::Prelu(layer) => {
            let start = layer.slopes as usize;
            return vec![(&mut layer.slopes, start..start + 4 * channels)];
        }
        Layer::Constants(layer) => {
            let start = layer.weights as usize;
            return vec![(&mut layer.weights, start..start + weight_bytes)];
        }
        Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Add(_)
        | Layer::Multiply(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_) => return Vec::new(),
    };
    let (multipliers, zero_points) = (requant.multipliers(channels), requant.zero_points(channels));
    let (biases, scales) = match requant.rule.threshold_bytes() {
        None => (4 * channels, 4 * multipliers),
        Some(bytes) => (0, bytes * output.bits.max_code() as usize * channels),
    };
    let Requant { bias, multiplier, shift, weight_zero_point, .. } = requant;
    [
        (weights, weight_bytes),
        (bias, biases),
        (multiplier, scales),
        (shift, multipliers),
        (weight_zero_point, zero_points),
    ]
    .into_iter()
    .filter(|(_, bytes)| *bytes > 0)
    .map(|(offset, bytes)| {
        let start = *offset as usize;
        (offset, start..start + bytes)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::armv7em::{has_records, place};
    use crate::{Bits, Conv, Linear, Rule, Tensor, Window};

    /// Fully connected layers with these numbers of input and output channels. Their tables follow one
    /// another.
    fn network(shapes: &[[u16; 2]]) -> (Vec<Layer>, Vec<u8>) {
        let mut end = 0;
        let mut take = |bytes: u16| {
            end += u32::from(bytes);
            end - u32::from(bytes)
        };
        let tensor =
            |channels| Tensor { height: 1, width: 1, channels, bits: Bits::B8, zero_point: 0, offset: 0 };
        let layers = shapes.iter().map(|[from, to]| {
            Layer::Linear(Linear {
                input: tensor(*from),
                output: tensor(*to),
                weights: take(from * to),
                weight_bits: Bits::B8,
                requant: Requant {
                    bias: take(4 * to),
                    multiplier: take(4 * to),
                    shift: take(*to),
                    weight_zero_point: take(1),
                    rule: Rule::Multiplier,
                    multiplier_step: 1,
                    zero_point_step: 0,
                    fraction: 0,
                },
            })
        });
        let layers = layers.collect();
        (layers, (0..end).map(|byte| (byte * 37 + byte / 256) as u8).collect())
    }

    fn contents(layers: &[Layer], parameters: &[u8]) -> Vec<Vec<u8>> {
        let mut layers = layers.to_vec();
        layers.iter_mut().flat_map(tables_of).map(|(_, table)| parameters[table].to_vec()).collect()
    }

    #[test]
    fn whole_words_are_aligned_and_nothing_else_changes() {
        let (before, parameters) = network(&[[5, 3], [16, 10], [7, 1], [32, 8]]);
        let mut after = before.clone();
        let moved = relocate(&mut after, &parameters, |_| None);
        assert_eq!(moved.len(), parameters.len());
        assert_eq!(contents(&after, &moved), contents(&before, &parameters));
        let unaligned = |layers: &[Layer]| {
            let mut layers = layers.to_vec();
            let tables = layers.iter_mut().flat_map(tables_of).map(|(_, table)| table);
            tables.filter(|table| table.len().is_multiple_of(4) && !table.start.is_multiple_of(4)).count()
        };
        assert!(unaligned(&before) > 0);
        assert_eq!(unaligned(&after), 0);
    }

    #[test]
    fn tables_may_be_shared_but_not_overlap() {
        let (mut layers, parameters) = network(&[[5, 4], [5, 4]]);
        let Layer::Linear(first) = layers[0] else { unreachable!("all are") };
        let share = |layers: &mut [Layer], offset: u32| {
            let Layer::Linear(second) = &mut layers[1] else { unreachable!("all are") };
            second.requant.bias = offset;
        };
        share(&mut layers, first.requant.bias);
        let before = layers.clone();
        let moved = relocate(&mut layers, &parameters, |_| None);
        assert_eq!(contents(&layers, &moved), contents(&before, &parameters));
        assert_ne!(layers, before);

        layers = before;
        share(&mut layers, first.requant.bias + 1);
        let before = layers.clone();
        assert_eq!((relocate(&mut layers, &parameters, |_| None), layers), (parameters, before));
    }

    #[test]
    fn tables_of_a_convolution_stay_behind_its_weights() {
        let tensor =
            |channels| Tensor { height: 2, width: 2, channels, bits: Bits::B8, zero_point: 0, offset: 0 };
        // An odd number of bytes, half a word, and two convolutions of four filters whose blocks are whole
        // words.
        let (mut layers, mut parameters) = network(&[[5, 3], [7, 2]]);
        for _ in 0..2 {
            let start = parameters.len() as u32;
            let window = Window {
                kernel_height: 1,
                kernel_width: 1,
                stride_height: 1,
                stride_width: 1,
                pad_top: 0,
                pad_left: 0,
            };
            let requant = Requant {
                bias: start + 4 * 16,
                multiplier: start + 4 * 20,
                shift: start + 4 * 24,
                weight_zero_point: start + 4 * 25,
                rule: Rule::Multiplier,
                multiplier_step: 1,
                zero_point_step: 1,
                fraction: Requant::FRACTION,
            };
            let (input, output) = (tensor(16), tensor(4));
            layers.push(Layer::Conv(Conv {
                input,
                output,
                window,
                weights: start,
                weight_bits: Bits::B8,
                requant,
            }));
            // All shifts are 40.
            parameters.extend([40; 4 * 26]);
        }
        let before = layers.clone();
        let moved = relocate(&mut layers, &parameters, |layer| place(layer, &parameters));
        assert_eq!(contents(&layers, &moved), contents(&before, &parameters));
        for layer in &layers[2..] {
            let Layer::Conv(conv) = layer else { unreachable!("the last two are") };
            assert!(has_records(layer, &moved), "its tables follow its weights");
            assert_eq!(conv.weights % 4, 2, "its weights are aligned behind two zero points");
        }
    }
}
