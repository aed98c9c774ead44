//! Tensors of an ONNX file: their values, in the file itself or beside it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use half::{bf16, f16};

use super::proto::TensorProto;
use crate::import::model::{Array, Element, MOST_ELEMENTS, Values};

/// Where a tensor's values lie, if not in the file itself.
const EXTERNAL: i32 = 1;

/// Why a tensor cannot be read: what it is or has, and what helps.
pub(super) struct Unreadable {
    pub(super) what: String,
    pub(super) help: String,
}

fn unreadable<T>(what: impl Into<String>, help: impl Into<String>) -> Result<T, Unreadable> {
    Err(Unreadable { what: what.into(), help: help.into() })
}

/// What an element is, by the number that ONNX gives it; `None` of text and complex numbers, and of numbers
/// that mixq does not know.
pub(super) fn element(number: i32) -> Option<Element> {
    Some(match number {
        1 | 10 | 11 | 16 => Element::Float,
        2 => Element::Unsigned(8),
        3 => Element::Signed(8),
        4 => Element::Unsigned(16),
        5 => Element::Signed(16),
        6 => Element::Signed(32),
        7 => Element::Signed(64),
        9 => Element::Bool,
        12 => Element::Unsigned(32),
        13 => Element::Unsigned(64),
        21 => Element::Unsigned(4),
        22 => Element::Signed(4),
        _ => return None,
    })
}

/// What ONNX calls the type of such a number.
fn name(number: i32) -> String {
    const NAMES: [(i32, &str); 9] = [
        (8, "STRING"),
        (14, "COMPLEX64"),
        (15, "COMPLEX128"),
        (17, "FLOAT8E4M3FN"),
        (18, "FLOAT8E4M3FNUZ"),
        (19, "FLOAT8E5M2"),
        (20, "FLOAT8E5M2FNUZ"),
        (23, "FLOAT4E2M1"),
        (24, "FLOAT8E8M0"),
    ];
    let known = NAMES.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| number.to_string(), |(_, name)| format!("{name} ({number})"))
}

/// Reads tensors.
pub(super) struct Tensors<'a> {
    path: &'a Path,
    /// The files beside it that tensors lie in.
    pub(super) files: BTreeSet<PathBuf>,
}

impl Tensors<'_> {
    /// Of the file at `path`.
    pub(super) fn new(path: &Path) -> Tensors<'_> {
        Tensors { path, files: BTreeSet::new() }
    }

    /// One tensor.
    pub(super) fn read(&mut self, tensor: &TensorProto) -> Result<Array, Unreadable> {
        let Some(element) = element(tensor.data_type) else {
            let what = format!("has elements of type {}, which mixq does not read", name(tensor.data_type));
            let help = "export it with floats of 16 bits (also bfloat16), 32 or 64, or with integers";
            return unreadable(what, help);
        };
        let dims: Option<Vec<usize>> = tensor.dims.iter().map(|size| usize::try_from(*size).ok()).collect();
        let count = dims
            .as_ref()
            .and_then(|dims| dims.iter().try_fold(1usize, |count, size| count.checked_mul(*size)));
        let (Some(dims), Some(count)) = (dims, count.filter(|count| *count <= MOST_ELEMENTS)) else {
            let what = format!("has the shape {:?}", tensor.dims);
            return unreadable(what, format!("a tensor has at most {MOST_ELEMENTS} elements"));
        };
        let outside = if tensor.data_location == EXTERNAL { Some(self.outside(tensor)?) } else { None };
        let values = match outside.as_deref().or(tensor.raw_data.as_deref()) {
            Some(bytes) => from_bytes(tensor.data_type, count, bytes),
            None => from_lists(tensor, count),
        };
        let Some(values) = values.filter(|values| values.len() == count) else {
            let what = format!("has the shape {dims:?}, and not {count} values");
            return unreadable(what, "export the file again, or copy it again: it may have been cut off");
        };
        Ok(Array { dims, values, element })
    }

    /// The bytes of a tensor in a file beside this one.
    fn outside(&mut self, tensor: &TensorProto) -> Result<Vec<u8>, Unreadable> {
        let entry = |key: &str| tensor.external_data.iter().find(|entry| entry.key == key);
        let name = entry("location").map_or("", |entry| entry.value.as_str());
        let relative = Path::new(name);
        if name.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            let what = format!("lies in a file called \"{}\"", name.escape_debug());
            return unreadable(what, "values may lie in files beside the .onnx file, or in folders below");
        }
        let number = |key: &str| entry(key).map(|entry| entry.value.trim().parse::<u64>());
        let offset = number("offset").unwrap_or(Ok(0));
        let (Ok(offset), length) = (offset, number("length")) else {
            return unreadable("has an `offset` that is not a number", "export it again");
        };
        let path = self.path.parent().unwrap_or(Path::new("")).join(relative);
        self.files.insert(path.clone());
        let failed = |error: std::io::Error| {
            let what = format!("lies in {}, which cannot be read: {error}", path.display());
            Unreadable { what, help: "put that file beside the .onnx file: both belong together".to_string() }
        };
        let mut file = fs::File::open(&path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let length = match length {
            Some(Ok(length)) => length,
            None => size.saturating_sub(offset),
            Some(Err(_)) => return unreadable("has a `length` that is not a number", "export it again"),
        };
        if offset.checked_add(length).is_none_or(|end| end > size) {
            let what = format!(
                "lies in {} from byte {offset} on, {length} bytes; that file has {size}",
                path.display()
            );
            return unreadable(what, "copy that file again: it may have been cut off");
        }
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        file.take(length).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }
}

/// Values from bytes, the lowest byte first; `None` if they are too few or too many.
fn from_bytes(kind: i32, count: usize, bytes: &[u8]) -> Option<Values> {
    let nibble = |index: usize| bytes[index / 2] >> (index % 2 * 4) & 15;
    let enough = |bits: usize| (bytes.len() == (count * bits).div_ceil(8)).then_some(());
    enough(match kind {
        1 | 6 | 12 => 32,
        2 | 3 | 9 => 8,
        4 | 5 | 10 | 16 => 16,
        7 | 11 | 13 => 64,
        _ => 4,
    })?;
    fn all<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
    }
    Some(match kind {
        1 => Values::Floats(all(bytes, f32::from_le_bytes)),
        10 => Values::Floats(all(bytes, |two| f16::from_le_bytes(two).to_f32())),
        11 => Values::Floats(all(bytes, |eight| f64::from_le_bytes(eight) as f32)),
        16 => Values::Floats(all(bytes, |two| bf16::from_le_bytes(two).to_f32())),
        2 | 9 => Values::Ints(bytes.iter().map(|byte| i64::from(*byte)).collect()),
        3 => Values::Ints(bytes.iter().map(|byte| i64::from(*byte as i8)).collect()),
        4 => Values::Ints(all(bytes, |two| i64::from(u16::from_le_bytes(two)))),
        5 => Values::Ints(all(bytes, |two| i64::from(i16::from_le_bytes(two)))),
        6 => Values::Ints(all(bytes, |four| i64::from(i32::from_le_bytes(four)))),
        12 => Values::Ints(all(bytes, |four| i64::from(u32::from_le_bytes(four)))),
        7 | 13 => Values::Ints(all(bytes, i64::from_le_bytes)),
        21 => Values::Ints((0..count).map(|index| i64::from(nibble(index))).collect()),
        _ => Values::Ints((0..count).map(|index| i64::from((nibble(index) << 4) as i8 >> 4)).collect()),
    })
}

/// Values from the lists of a tensor; `None` if one of the four-bit elements is missing.
fn from_lists(tensor: &TensorProto, count: usize) -> Option<Values> {
    let small = || tensor.int32_data.iter().map(|value| i64::from(*value));
    Some(match tensor.data_type {
        1 => Values::Floats(tensor.float_data.clone()),
        10 => Values::Floats(
            tensor.int32_data.iter().map(|bits| f16::from_bits(*bits as u16).to_f32()).collect(),
        ),
        16 => Values::Floats(
            tensor.int32_data.iter().map(|bits| bf16::from_bits(*bits as u16).to_f32()).collect(),
        ),
        11 => Values::Floats(tensor.double_data.iter().map(|value| *value as f32).collect()),
        7 => Values::Ints(tensor.int64_data.clone()),
        12 | 13 => Values::Ints(tensor.uint64_data.iter().map(|value| *value as i64).collect()),
        21 | 22 => {
            let bytes: Vec<u8> = tensor.int32_data.iter().map(|byte| *byte as u8).collect();
            return from_bytes(tensor.data_type, count, &bytes);
        }
        _ => Values::Ints(small().collect()),
    })
}
