//! Average and maximum pool.

use mixq_rt::format::{Bits, Layer, Pool};
use proptest::prelude::*;

use crate::case::{self, Numbers};
use crate::reference::{self, Image, Window};

/// The average of each window, halves rounded up.
pub fn average(input: &Image, window: &Window) -> Vec<i64> {
    let round = |codes: &Vec<i64>| {
        let (sum, count) = (codes.iter().sum::<i64>(), codes.len() as i64);
        // The nearest integer, found by trying: that of two equally near ones which is larger.
        (0..=255).rev().min_by_key(|candidate| (sum - candidate * count).abs()).unwrap()
    };
    reference::windows(input, window).iter().map(round).collect()
}

pub fn max(input: &Image, window: &Window) -> Vec<i64> {
    reference::windows(input, window).iter().map(|codes| *codes.iter().max().unwrap()).collect()
}

proptest! {
    #[test]
    fn every_width(shape in case::shapes(), seed: u64) {
        let numbers = &mut Numbers(seed);
        let window = case::table_window(&shape.window);
        for bits in Bits::QUANTISED {
            let input = numbers.image(shape.height, shape.width, shape.channels, bits);
            let mut output = case::output_of(&input, &shape.window, shape.channels, input.zero_point);
            output.codes = average(&input, &shape.window);
            case::check((&input, bits), (&output, bits), &[], numbers, |input, output| {
                Layer::AveragePool(Pool { input, output, window })
            });
            output.codes = max(&input, &shape.window);
            case::check((&input, bits), (&output, bits), &[], numbers, |input, output| {
                Layer::MaxPool(Pool { input, output, window })
            });
        }
    }
}
