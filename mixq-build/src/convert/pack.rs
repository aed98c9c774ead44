//! Signed codes into packed rows.

use mixq_format::Bits;

/// Packs rows of `columns` signed codes, each row starting on a byte, in two's complement of `bits` bits;
/// see the crate documentation of mixq-format.
pub fn pack_rows(codes: &[i8], columns: usize, bits: Bits) -> Vec<u8> {
    let width = bits.count();
    let mask = (1u16 << width) - 1;
    let mut packed = Vec::with_capacity(codes.len().div_ceil(columns) * bits.row_bytes(columns));
    for row in codes.chunks(columns) {
        let start = packed.len();
        packed.resize(start + bits.row_bytes(columns), 0);
        for (index, code) in row.iter().enumerate() {
            let bit = index * width;
            packed[start + bit / 8] |= ((*code as u16 & mask) << (bit % 8)) as u8;
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(pack_rows(&[1, -1, 2, -2, -3, 7], 3, Bits::B4), [0xf1, 0x02, 0xde, 0x07]);
        assert_eq!(pack_rows(&[1, 0, -1, -2, 1], 5, Bits::B2), [0b10_11_00_01, 0b01]);
        assert_eq!(pack_rows(&[-128, 127], 1, Bits::B8), [0x80, 0x7f]);
    }
}
