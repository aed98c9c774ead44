//! A NumPy array as it lies in a file: a magic, a header that is a Python dictionary, the elements.
//!
//! The format is that of `numpy.lib.format`.

use std::fmt;

/// An array in the order of C.
pub(super) struct Array {
    /// Sizes of its dimensions.
    pub shape: Vec<usize>,
    /// Type of its elements: byte order, kind, and bytes each, as `|u1`.
    kind: String,
    bytes: Vec<u8>,
    /// Where the elements begin.
    start: usize,
}

/// As a person would name it.
impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of shape {:?}", self.kind, self.shape)
    }
}

impl Array {
    /// Takes a file apart, or says what is wrong with it.
    pub fn parse(bytes: Vec<u8>) -> Result<Array, String> {
        const MAGIC: &[u8] = b"\x93NUMPY";
        let early = || "is truncated: its header ends early".to_string();
        if !bytes.starts_with(MAGIC) {
            return Err("is not a NumPy array: it does not begin as one".to_string());
        }
        let version = *bytes.get(MAGIC.len()).ok_or_else(early)?;
        let after = MAGIC.len() + 2;
        let (length, from) = if version == 1 {
            (bytes.get(after..after + 2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]]))), after + 2)
        } else {
            let length =
                bytes.get(after..after + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
            (length, after + 4)
        };
        let start = length.and_then(|length| from.checked_add(length)).ok_or_else(early)?;
        let header = bytes.get(from..start).ok_or_else(early)?;
        let header = String::from_utf8_lossy(header).into_owned();
        let unknown = || format!("has a header that mixq does not understand: {}", header.trim());
        let kind = value(&header, "descr").ok_or_else(unknown)?;
        let kind = kind
            .strip_prefix(['\'', '"'])
            .and_then(|kind| kind.split(['\'', '"']).next())
            .ok_or_else(unknown)?;
        let shape = value(&header, "shape").and_then(shape).ok_or_else(unknown)?;
        let fortran = value(&header, "fortran_order").ok_or_else(unknown)?.starts_with("True");
        if fortran && shape.len() > 1 {
            return Err("is in the order of Fortran; save it with numpy.ascontiguousarray".to_string());
        }
        let array = Array { shape, kind: kind.to_string(), bytes, start };
        if array.kind.get(1..2) == Some("O") {
            return Err("holds Python objects (dtype object): save it as an array of numbers".to_string());
        }
        let size: usize = array.kind.get(2..).and_then(|size| size.parse().ok()).ok_or_else(unknown)?;
        // A character of text has four bytes.
        let size = if array.kind.get(1..2) == Some("U") { size.saturating_mul(4) } else { size };
        let product = array.shape.iter().try_fold(size, |product, size| product.checked_mul(*size));
        let found = array.bytes.len() - start;
        if product != Some(found) {
            return Err(format!("has {found} bytes of elements, which are not those of {array}"));
        }
        Ok(array)
    }

    /// The file that it was.
    pub fn file(&self) -> &[u8] {
        &self.bytes
    }

    /// The elements, if they are unsigned bytes.
    pub fn bytes(&self) -> Option<&[u8]> {
        (self.kind.get(1..) == Some("u1")).then(|| &self.bytes[self.start..])
    }

    /// Whether the elements are text.
    pub fn is_text(&self) -> bool {
        matches!(self.kind.get(1..2), Some("U" | "S"))
    }

    /// The elements, if they are whole numbers and none is negative.
    pub fn whole_numbers(&self) -> Option<Vec<u64>> {
        let size: usize = self.kind.get(2..)?.parse().ok()?;
        let signed = match self.kind.get(1..2)? {
            "u" | "b" => false,
            "i" => true,
            _ => return None,
        };
        if !matches!(size, 1 | 2 | 4 | 8) {
            return None;
        }
        let number = |element: &[u8]| {
            let mut bytes = [0; 8];
            bytes[..size].copy_from_slice(element);
            if self.kind.starts_with('>') {
                bytes[..size].reverse();
            }
            let value = u64::from_le_bytes(bytes);
            let negative = signed && value >> (8 * size - 1) == 1;
            (!negative).then_some(value)
        };
        self.bytes[self.start..].chunks(size).map(number).collect()
    }
}

impl Array {
    /// The elements as numbers, if they are numbers: whole, or floats of 16, 32 or 64 bits.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        let size: usize = self.kind.get(2..)?.parse().ok()?;
        let number: fn([u8; 8]) -> f64 = match (self.kind.get(1..2)?, size) {
            ("f", 8) => f64::from_le_bytes,
            ("f", 4) => |bytes| f64::from(f32::from_bits(u64::from_le_bytes(bytes) as u32)),
            ("f", 2) => |bytes| half(u64::from_le_bytes(bytes) as u16),
            ("u" | "b", 1 | 2 | 4 | 8) => |bytes| u64::from_le_bytes(bytes) as f64,
            ("i", 1) => |bytes| f64::from(u64::from_le_bytes(bytes) as i8),
            ("i", 2) => |bytes| f64::from(u64::from_le_bytes(bytes) as i16),
            ("i", 4) => |bytes| f64::from(u64::from_le_bytes(bytes) as i32),
            ("i", 8) => |bytes| i64::from_le_bytes(bytes) as f64,
            _ => return None,
        };
        let element = |element: &[u8]| {
            let mut bytes = [0; 8];
            bytes[..size].copy_from_slice(element);
            if self.kind.starts_with('>') {
                bytes[..size].reverse();
            }
            number(bytes)
        };
        Some(self.bytes[self.start..].chunks(size).map(element).collect())
    }
}

/// A float of 16 bits (IEEE 754).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// What follows a key of the header.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let quoted = [format!("'{key}'"), format!("\"{key}\"")];
    let at = quoted.iter().find_map(|quoted| header.find(quoted).map(|at| at + quoted.len()))?;
    header[at..].trim_start().strip_prefix(':').map(str::trim_start)
}

/// A tuple of whole numbers.
fn shape(text: &str) -> Option<Vec<usize>> {
    let inside = text.strip_prefix('(')?.split_once(')')?.0;
    let sizes =
        inside.split(',').map(|size| size.trim().trim_end_matches('L')).filter(|size| !size.is_empty());
    sizes.map(|size| size.parse().ok()).collect()
}
