//! Widths of quantised elements.

/// Width of one element of a tensor, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "file", serde(into = "u8", try_from = "u8"))]
#[repr(u8)]
pub enum Bits {
    /// Two bits, four elements a byte.
    B2 = 2,
    /// Four bits, two elements a byte.
    B4 = 4,
    /// Eight bits, one element a byte.
    B8 = 8,
    /// Signed 32-bit integers, little endian: the logits, and nothing else.
    B32 = 32,
}

impl Bits {
    /// The widths that a weight or an activation may have, narrowest first.
    pub const QUANTISED: [Bits; 3] = [Bits::B2, Bits::B4, Bits::B8];

    /// The width in bits.
    pub const fn count(self) -> usize {
        self as usize
    }

    /// `N_b = 2^b - 1`: the largest code of an activation of this width.
    ///
    /// # Panics
    /// For [`Bits::B32`], which has no unsigned codes.
    pub const fn max_code(self) -> i32 {
        assert!(!matches!(self, Bits::B32), "logits have no codes");
        (1 << self.count()) - 1
    }

    /// The next narrower width, if there is one.
    pub const fn narrower(self) -> Option<Bits> {
        match self {
            Bits::B8 => Some(Bits::B4),
            Bits::B4 => Some(Bits::B2),
            Bits::B2 | Bits::B32 => None,
        }
    }

    /// Bytes of a packed row of `elements` elements: each row starts on a byte.
    pub const fn row_bytes(self, elements: usize) -> usize {
        (elements * self.count()).div_ceil(8)
    }
}

impl From<Bits> for u8 {
    fn from(bits: Bits) -> u8 {
        bits as u8
    }
}

impl TryFrom<u8> for Bits {
    type Error = &'static str;

    fn try_from(count: u8) -> Result<Bits, Self::Error> {
        match count {
            2 => Ok(Bits::B2),
            4 => Ok(Bits::B4),
            8 => Ok(Bits::B8),
            32 => Ok(Bits::B32),
            _ => Err("a width is 2, 4, 8 or 32 bits"),
        }
    }
}
