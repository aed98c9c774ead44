//! Numbers from a seed, as the tests of mixq-rt draw them, and what random layers make of them.

#[path = "../../../../mixq-rt/tests/kernels/numbers.rs"]
mod seeded;

pub use seeded::Numbers;

impl Numbers {
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// True once in this number of calls.
    pub fn once_in(&mut self, times: i64) -> bool {
        self.within(1, times) == 1
    }

    pub fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.within(0, values.len() as i64 - 1) as usize]
    }

    /// Any bytes; now and then all 0x00, 0xff, 0x80 or 0x7f, which are the ends of the ranges of codes and
    /// weights.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        let constant = match self.within(0, 15) {
            0 => Some(self.one_of(&[0x00, 0xff])),
            1 => Some(self.one_of(&[0x80, 0x7f, 0x88, 0x77, 0xaa, 0x55])),
            _ => None,
        };
        for bytes in bytes.chunks_mut(8) {
            let random = self.next().to_le_bytes();
            for (byte, random) in bytes.iter_mut().zip(random) {
                *byte = constant.unwrap_or(random);
            }
        }
    }
}
