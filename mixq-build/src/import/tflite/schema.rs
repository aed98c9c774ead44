//! Tensors and operators of a TFLite file, by the numbers of `tensorflow/lite/schema/schema.fbs`
//! (Apache-2.0).

use half::{bf16, f16};

use super::flatbuffer::{Damaged, Table};
use super::sparse::Sparse;
use crate::import::model::{Array, Element, Grid, MOST_ELEMENTS, Values};

/// A tensor of a file.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    /// Its name, which no other tensor of the file has.
    pub(super) name: String,
    /// The size of each dimension; -1 where it is open.
    pub(super) dims: Vec<i64>,
    /// What its elements are; `None` of texts and complex numbers.
    pub(super) element: Option<Element>,
    /// Its values, if it is constant.
    pub(super) values: Option<Result<Array, String>>,
    /// How its integers are numbers, if they are quantised.
    pub(super) grid: Option<Grid>,
}

/// The elements of a type of tensors.
fn element(kind: u8) -> Option<Element> {
    Some(match kind {
        0 | 1 | 10 | 18 => Element::Float,
        2 => Element::Signed(32),
        3 => Element::Unsigned(8),
        4 => Element::Signed(64),
        6 => Element::Bool,
        7 => Element::Signed(16),
        9 => Element::Signed(8),
        12 => Element::Unsigned(64),
        15 => Element::Unsigned(32),
        16 => Element::Unsigned(16),
        17 => Element::Signed(4),
        _ => return None,
    })
}

/// All tensors of a network.
pub(super) fn tensors(model: &Table, graph: &Table) -> Result<Vec<Tensor>, Damaged> {
    let buffers = model.tables(4)?;
    let mut tensors: Vec<Tensor> = Vec::new();
    let mut names = std::collections::HashSet::new();
    for (index, table) in graph.tables(0)?.into_iter().enumerate() {
        let kind = table.byte(1, 0)?;
        let buffer = buffers.get(table.int(2, 0)? as usize);
        let data = buffer.map_or(Ok(&[][..]), |buffer| buffer.bytes(0))?;
        let outside = buffer.map_or(Ok(0), |buffer| buffer.long(1))? > 1;
        let grid = table.table(4)?.map(|grid| self::grid(&grid, kind)).transpose()?.flatten();
        // A signature says which dimensions are open; shapes have 1 there.
        let (shape, signature) = (table.ints(0)?, table.ints(7)?);
        let dims = if signature.len() == shape.len() && !signature.is_empty() { signature } else { shape };
        let dims: Vec<i64> = dims.into_iter().map(i64::from).collect();
        let written = table.text(3)?;
        let name = if written.is_empty() || !names.insert(written.clone()) {
            format!("{written}#{index}")
        } else {
            written
        };
        let sparse = table.table(6)?.map(|sparse| Sparse::read(&sparse)).transpose()?;
        let values = match () {
            () if outside => Some(Err("lies behind the end of the FlatBuffer".to_string())),
            () if data.is_empty() => None,
            () => Some(match sparse {
                Some(sparse) => {
                    sparse.dense(&dims, |count| values(kind, count, data)).map(|(dims, values)| Array {
                        dims,
                        values,
                        element: element(kind).unwrap_or(Element::Float),
                    })
                }
                None => array(kind, &dims, data),
            }),
        };
        tensors.push(Tensor { name, dims, element: element(kind), values, grid });
    }
    Ok(tensors)
}

/// Scales and zero points; `None` if the tensor has none.
fn grid(table: &Table, kind: u8) -> Result<Option<Grid>, Damaged> {
    let scales = table.floats(2)?;
    let Some(element) = element(kind).filter(|_| !scales.is_empty()) else { return Ok(None) };
    let mut zero_points = table.longs(3)?;
    zero_points.resize(scales.len(), zero_points.first().copied().unwrap_or(0));
    let axis = table.int(6, 0)?.max(0) as usize;
    Ok(Some(Grid { scales, zero_points, axis, element }))
}

fn array(kind: u8, dims: &[i64], data: &[u8]) -> Result<Array, String> {
    let dims: Vec<usize> = dims.iter().map(|size| usize::try_from(*size).unwrap_or(1)).collect();
    let count = dims.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
    let count = count
        .filter(|count| *count <= MOST_ELEMENTS)
        .ok_or_else(|| format!("has the shape {dims:?}: mixq takes at most {MOST_ELEMENTS} elements"))?;
    let unknown = || {
        format!("has elements of type {kind} of TFLite's schema, which mixq does not read (texts, complex)")
    };
    let element = element(kind).ok_or_else(unknown)?;
    let values = values(kind, count, data);
    if values.len() != count {
        return Err(format!("has the shape {dims:?}, and {} values", values.len()));
    }
    Ok(Array { dims, values, element })
}

/// The values of a type of tensors; `count` is how many there should be.
fn values(kind: u8, count: usize, data: &[u8]) -> Values {
    fn all<const N: usize, T>(data: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
        data.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
    }
    let nibble = |index: usize| i64::from((data[index / 2] >> (index % 2 * 4) << 4) as i8 >> 4);
    match kind {
        0 => Values::Floats(all(data, f32::from_le_bytes)),
        1 => Values::Floats(all(data, |two| f16::from_le_bytes(two).to_f32())),
        18 => Values::Floats(all(data, |two| bf16::from_le_bytes(two).to_f32())),
        10 => Values::Floats(all(data, |eight| f64::from_le_bytes(eight) as f32)),
        2 => Values::Ints(all(data, |four| i64::from(i32::from_le_bytes(four)))),
        15 => Values::Ints(all(data, |four| i64::from(u32::from_le_bytes(four)))),
        3 | 6 => Values::Ints(data.iter().map(|byte| i64::from(*byte)).collect()),
        4 | 12 => Values::Ints(all(data, i64::from_le_bytes)),
        7 => Values::Ints(all(data, |two| i64::from(i16::from_le_bytes(two)))),
        16 => Values::Ints(all(data, |two| i64::from(u16::from_le_bytes(two)))),
        17 if data.len() == count.div_ceil(2) => Values::Ints((0..count).map(nibble).collect()),
        _ => Values::Ints(data.iter().map(|byte| i64::from(*byte as i8)).collect()),
    }
}

/// A constant as the numbers that it stands for.
pub(super) fn dequantised(array: &Array, grid: &Grid) -> Option<Array> {
    let Values::Ints(integers) = &array.values else { return Some(array.clone()) };
    let one = grid.scales.len() == 1;
    // Older converters give biases the dimension of the weights.
    let fits = |axis: &usize| array.dims.get(*axis) == Some(&grid.scales.len());
    let axis = Some(grid.axis).filter(fits).or_else(|| (0..array.dims.len()).find(fits));
    let axis = if one { 0 } else { axis? };
    let inner: usize = array.dims.get(axis + 1..).unwrap_or(&[]).iter().product();
    let size = array.dims.get(axis).copied().unwrap_or(1);
    if !one && grid.scales.len() != size {
        return None;
    }
    let number = |(place, integer): (usize, &i64)| {
        let index = if one { 0 } else { place / inner.max(1) % size.max(1) };
        ((*integer as f64 - grid.zero_points[index] as f64) * f64::from(grid.scales[index])) as f32
    };
    Some(Array::floats(array.dims.clone(), integers.iter().enumerate().map(number).collect()))
}

/// The names of the operators, by their numbers.
pub(super) const NAMES: [&str; 162] = [
    "ADD",
    "AVERAGE_POOL_2D",
    "CONCATENATION",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "DEPTH_TO_SPACE",
    "DEQUANTIZE",
    "EMBEDDING_LOOKUP",
    "FLOOR",
    "FULLY_CONNECTED",
    "HASHTABLE_LOOKUP",
    "L2_NORMALIZATION",
    "L2_POOL_2D",
    "LOCAL_RESPONSE_NORMALIZATION",
    "LOGISTIC",
    "LSH_PROJECTION",
    "LSTM",
    "MAX_POOL_2D",
    "MUL",
    "RELU",
    "RELU_N1_TO_1",
    "RELU6",
    "RESHAPE",
    "RESIZE_BILINEAR",
    "RNN",
    "SOFTMAX",
    "SPACE_TO_DEPTH",
    "SVDF",
    "TANH",
    "CONCAT_EMBEDDINGS",
    "SKIP_GRAM",
    "CALL",
    "CUSTOM",
    "EMBEDDING_LOOKUP_SPARSE",
    "PAD",
    "UNIDIRECTIONAL_SEQUENCE_RNN",
    "GATHER",
    "BATCH_TO_SPACE_ND",
    "SPACE_TO_BATCH_ND",
    "TRANSPOSE",
    "MEAN",
    "SUB",
    "DIV",
    "SQUEEZE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "STRIDED_SLICE",
    "BIDIRECTIONAL_SEQUENCE_RNN",
    "EXP",
    "TOPK_V2",
    "SPLIT",
    "LOG_SOFTMAX",
    "DELEGATE",
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "CAST",
    "PRELU",
    "MAXIMUM",
    "ARG_MAX",
    "MINIMUM",
    "LESS",
    "NEG",
    "PADV2",
    "GREATER",
    "GREATER_EQUAL",
    "LESS_EQUAL",
    "SELECT",
    "SLICE",
    "SIN",
    "TRANSPOSE_CONV",
    "SPARSE_TO_DENSE",
    "TILE",
    "EXPAND_DIMS",
    "EQUAL",
    "NOT_EQUAL",
    "LOG",
    "SUM",
    "SQRT",
    "RSQRT",
    "SHAPE",
    "POW",
    "ARG_MIN",
    "FAKE_QUANT",
    "REDUCE_PROD",
    "REDUCE_MAX",
    "PACK",
    "LOGICAL_OR",
    "ONE_HOT",
    "LOGICAL_AND",
    "LOGICAL_NOT",
    "UNPACK",
    "REDUCE_MIN",
    "FLOOR_DIV",
    "REDUCE_ANY",
    "SQUARE",
    "ZEROS_LIKE",
    "FILL",
    "FLOOR_MOD",
    "RANGE",
    "RESIZE_NEAREST_NEIGHBOR",
    "LEAKY_RELU",
    "SQUARED_DIFFERENCE",
    "MIRROR_PAD",
    "ABS",
    "SPLIT_V",
    "UNIQUE",
    "CEIL",
    "REVERSE_V2",
    "ADD_N",
    "GATHER_ND",
    "COS",
    "WHERE",
    "RANK",
    "ELU",
    "REVERSE_SEQUENCE",
    "MATRIX_DIAG",
    "QUANTIZE",
    "MATRIX_SET_DIAG",
    "ROUND",
    "HARD_SWISH",
    "IF",
    "WHILE",
    "NON_MAX_SUPPRESSION_V4",
    "NON_MAX_SUPPRESSION_V5",
    "SCATTER_ND",
    "SELECT_V2",
    "DENSIFY",
    "SEGMENT_SUM",
    "BATCH_MATMUL",
    "PLACEHOLDER",
    "CUMSUM",
    "CALL_ONCE",
    "BROADCAST_TO",
    "RFFT2D",
    "CONV_3D",
    "IMAG",
    "REAL",
    "COMPLEX_ABS",
    "HASHTABLE",
    "HASHTABLE_FIND",
    "HASHTABLE_IMPORT",
    "HASHTABLE_SIZE",
    "REDUCE_ALL",
    "CONV_3D_TRANSPOSE",
    "VAR_HANDLE",
    "READ_VARIABLE",
    "ASSIGN_VARIABLE",
    "BROADCAST_ARGS",
    "RANDOM_STANDARD_NORMAL",
    "BUCKETIZE",
    "RANDOM_UNIFORM",
    "MULTINOMIAL",
    "GELU",
    "DYNAMIC_UPDATE_SLICE",
    "RELU_0_TO_1",
    "UNSORTED_SEGMENT_PROD",
    "UNSORTED_SEGMENT_MAX",
    "UNSORTED_SEGMENT_SUM",
    "ATAN2",
    "UNSORTED_SEGMENT_MIN",
    "SIGN",
    "BITCAST",
    "BITWISE_XOR",
    "RIGHT_SHIFT",
];
