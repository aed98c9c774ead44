//! `Arena`: views of the same memory.

use mixq_rt::Arena;

#[test]
fn views_share_the_memory() {
    static ZERO: Arena<5> = Arena::new();
    assert_eq!(ZERO.bytes(), [0; 20]);
    assert_eq!(size_of::<Arena<5>>(), 20);
    assert_eq!(align_of::<Arena<5>>(), 4);

    let mut arena = Arena::<5>::default();
    *arena.array_mut(7) = [1, 2, 3];
    arena.bytes_mut()[12..16].copy_from_slice(&(-5i32).to_ne_bytes());
    assert_eq!(arena.bytes()[7..10], [1, 2, 3]);
    assert_eq!(arena.logits(12), &[-5, 0]);
}

#[test]
#[should_panic = "aligned to 4 bytes"]
fn logits_are_aligned() {
    Arena::<5>::new().logits::<1>(2);
}

#[test]
#[should_panic = "in the arena"]
fn logits_lie_in_the_arena() {
    Arena::<5>::new().logits::<2>(16);
}
