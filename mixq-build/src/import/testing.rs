//! What the tests of the readers of other tools' files share.

use std::path::Path;

use super::foreign;

/// Numbers of both signs that follow no rule that a network has.
pub fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1u64 << 24) as f32) * 2.0 - 1.0
    };
    (0..count).map(next).collect()
}

/// Asserts that numbers differ by at most `tolerance`, relative to those above 1.
#[track_caller]
pub fn assert_near(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let near = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
        assert!(near, "element {place}: {found}, not {expected}");
    }
}

/// Reads a valid file cut off at every length, and with every byte changed: each is read or refused.
pub fn damage(name: &str, file: &[u8]) {
    let path = Path::new(name);
    assert!(foreign::parse(path, file).is_ok());
    for length in 0..file.len() {
        drop(foreign::parse(path, &file[..length]));
    }
    for place in 0..file.len() {
        for change in [1, 2, 16, 64, 128, 255] {
            let mut damaged = file.to_vec();
            damaged[place] ^= change;
            drop(foreign::parse(path, &damaged));
        }
    }
}
