//! What a network writes for firmware to read.

use super::*;

/// The last layer may write codes of 8 bits; logits are nowhere else.
#[test]
fn outputs_are_logits_or_codes() {
    let with = |bits: Bits| {
        Case::found(|case| {
            let output = Tensor { bits, ..case.output };
            let Layer::Linear(linear) = &mut case.layers[4] else { unreachable!() };
            (linear.output, case.output) = (output, output);
        })
    };
    assert_eq!((with(Bits::B32), with(Bits::B8)), (None, None));
    let narrow = "the output is not aligned, or has neither 32 nor 8 bits";
    assert_eq!((with(Bits::B4), with(Bits::B2)), (Some((None, narrow)), Some((None, narrow))));
    let early = Case::found(|case| conv(case).output.bits = Bits::B32);
    assert!(early.is_some(), "the first layer writes logits");
}

/// An output that is written before the end is still there then.
#[test]
fn outputs_in_the_middle_are_kept() {
    let Case { layers, parameters, input, output, arena_bytes } = Case::new();
    let network = Network {
        layers: &layers,
        stages: &[],
        parameters: &parameters,
        input,
        others: &[],
        output,
        arena_bytes,
    };
    let keeps = |tensor: &Tensor| network.keeps(tensor);
    let ends: Vec<Result<(), &str>> = layers.iter().map(|layer| keeps(layer.output())).collect();
    // By hand: those whose bytes no later output has.
    for (index, end) in ends.iter().enumerate() {
        let range = layers[index].output().range();
        let over = layers[index + 1..].iter().any(|later| {
            let other = later.output().range();
            other.start < range.end && range.start < other.end
        });
        let expected = match layers[index].output().bits {
            Bits::B8 if over => Err("is written over"),
            Bits::B8 => Ok(()),
            Bits::B2 | Bits::B4 | Bits::B32 => Err("has not 8 bits"),
        };
        assert_eq!(*end, expected, "layer {index}");
    }
    assert!(ends.iter().any(Result::is_ok));
    assert_eq!(keeps(&Tensor { offset: 4000, ..input }), Err("is written by no layer"));
}
