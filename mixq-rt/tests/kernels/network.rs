//! A whole network through `run`, against the chain of the references.

use mixq_rt::format::{Add, Bits, Conv, Depthwise, Layer, Linear, Network, Pool, Tensor};
use mixq_rt::run;
use proptest::prelude::*;

use crate::case::{self, Numbers, Parameters, Shape};
use crate::reference::{Image, Window};
use crate::{add, conv, depthwise, linear, pool};

use Bits::{B2, B4, B8, B32};

fn window(kernel: usize, stride: usize, padding: [usize; 4]) -> Window {
    Window { kernel: [kernel; 2], stride: [stride; 2], padding }
}

fn shape(input: &Image, filters: usize, window: Window) -> Shape {
    Shape { height: input.height, width: input.width, channels: input.channels, filters, window }
}

/// A tensor's table with its place in the arena, in kilobytes: two of them share what a third left.
fn at(image: &Image, bits: Bits, kilobyte: usize) -> Tensor {
    case::tensor(image, bits, 1024 * kilobyte)
}

/// Stem of stride 2, a depthwise separable block with a residual in place, two pools, and a classifier; the
/// widths go 8, 4, 2, 4, 4, 8.
fn check(seed: u64, height: usize, width: usize) {
    let n = &mut Numbers(seed);
    let p = &mut Parameters::default();
    let image = n.image(height, width, 3, B8);

    let stem = shape(&image, 9, window(3, 2, [0, 1, 0, 1]));
    let (x1, l1) = conv::random(n, p, &image, &stem, [B8, B4, B4]);
    let same = window(3, 1, [1; 4]);
    let (x2, l2) = depthwise::random(n, p, &x1, &shape(&x1, 9, same), [B4, B8, B2]);
    let (x3, l3) = conv::random(n, p, &x2, &shape(&x2, 9, window(1, 1, [0; 4])), [B2, B2, B4]);
    let scales = add::Scales { a: 50_000, b: -30_000, shift: 16 };
    let x4 = add::add(&x1, &x3, scales, n.zero_point(B4), B4);
    let halve = window(2, 2, [0, 1, 0, 1]);
    let mut x5 = case::output_of(&x4, &halve, 9, x4.zero_point);
    x5.codes = pool::max(&x4, &halve);
    let (x6, l6) = conv::random(n, p, &x5, &shape(&x5, 13, same), [B4, B4, B8]);
    let global = Window { kernel: [x6.height, x6.width], stride: [1, 1], padding: [0; 4] };
    let mut x7 = case::output_of(&x6, &global, 13, x6.zero_point);
    x7.codes = pool::average(&x6, &global);
    let (x8, l8) = linear::random(n, p, &x7, 5, [B8, B2, B32]);

    let (t0, t1, t2, t3) = (at(&image, B8, 1), at(&x1, B4, 0), at(&x2, B2, 1), at(&x3, B4, 2));
    let t4 = at(&x4, B4, 0); // in place of x1
    let (t5, t6, t7, t8) = (at(&x5, B4, 1), at(&x6, B8, 0), at(&x7, B8, 1), at(&x8, B32, 0));
    let layers = [
        Layer::Conv(Conv { input: t0, output: t1, ..l1 }),
        Layer::Depthwise(Depthwise { input: t1, output: t2, ..l2 }),
        Layer::Conv(Conv { input: t2, output: t3, ..l3 }),
        Layer::Add(Add {
            a: t1,
            b: t3,
            output: t4,
            multiplier_a: scales.a,
            multiplier_b: scales.b,
            shift: scales.shift,
        }),
        Layer::MaxPool(Pool { input: t4, output: t5, window: case::table_window(&halve) }),
        Layer::Conv(Conv { input: t5, output: t6, ..l6 }),
        Layer::AveragePool(Pool { input: t6, output: t7, window: case::table_window(&global) }),
        Layer::Linear(Linear { input: t7, output: t8, ..l8 }),
    ];
    let network = Network {
        layers: &layers,
        stages: &[],
        parameters: &p.0,
        input: t0,
        others: &[],
        output: t8,
        arena_bytes: 3 * 1024,
    };
    network.validate().unwrap();

    let mut arena = vec![0x5a; 3 * 1024];
    let bytes = case::tensor_bytes(&image, B8);
    let expected = case::tensor_bytes(&x8, B32);
    // Twice: nothing of the first image may matter to the second.
    for _ in 0..2 {
        arena[t0.range()].copy_from_slice(&bytes);
        run(&network, &mut arena);
        assert_eq!(arena[t8.range()], expected[..]);
    }
}

proptest! {
    #[test]
    fn as_the_references_chained(seed: u64, height in 4usize..=18, width in 4usize..=18) {
        check(seed, height, width);
    }
}
