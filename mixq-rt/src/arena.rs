//! The memory of a network's activations.

/// `4 * WORDS` bytes, aligned to 4, for all activations of a network: the image, the outputs of its layers,
/// and the logits.
///
/// It is a type of its own, so that a `static` or a local variable has exactly the bytes that the build
/// planned. The linker checks that a `static` fits the RAM.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Arena<const WORDS: usize>([i32; WORDS]);

impl<const WORDS: usize> Arena<WORDS> {
    /// An arena of zeros.
    pub const fn new() -> Self {
        Arena([0; WORDS])
    }

    /// All bytes of the arena.
    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }

    /// All bytes of the arena, mutable: the kernels take them.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(&mut self.0)
    }

    /// The `N` logits that begin `offset` bytes from the start of the arena.
    ///
    /// # Panics
    /// If `offset` is not a multiple of 4, or the logits reach beyond the arena.
    pub fn logits<const N: usize>(&self, offset: usize) -> &[i32; N] {
        assert!(offset.is_multiple_of(4), "logits are aligned to 4 bytes");
        self.0[offset / 4..].first_chunk().expect("logits lie in the arena")
    }

    /// The `N` bytes that begin `offset` bytes from the start of the arena: outputs that are codes.
    ///
    /// # Panics
    /// If the bytes reach beyond the arena.
    pub fn array<const N: usize>(&self, offset: usize) -> &[u8; N] {
        self.bytes()[offset..].first_chunk().expect("the array lies in the arena")
    }

    /// The `N` bytes that begin `offset` bytes from the start of the arena, mutable: for the image, whose
    /// elements are a byte each, in the order row, column, channel.
    ///
    /// # Panics
    /// If the bytes reach beyond the arena.
    pub fn array_mut<const N: usize>(&mut self, offset: usize) -> &mut [u8; N] {
        self.bytes_mut()[offset..].first_chunk_mut().expect("the array lies in the arena")
    }
}

impl<const WORDS: usize> Default for Arena<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}
