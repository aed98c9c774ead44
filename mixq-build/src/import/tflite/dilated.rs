//! Dilated convolutions as older converters write them: every `block`th pixel becomes an image of a larger
//! batch, a convolution without gaps reads that, and its images are put together again.

use super::nodes::Operator;

/// A dilated convolution: the steps from tap to tap, and the padding (top, left, bottom, right).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dilated {
    /// Down and to the right.
    pub(super) steps: [i64; 2],
    /// In pixels.
    pub(super) pads: [i64; 4],
}

/// Operators between a convolution and the end of its block that see one pixel at a time, or no numbers.
const BETWEEN: [&str; 11] = [
    "ADD",
    "SUB",
    "MUL",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "LEAKY_RELU",
    "PRELU",
    "QUANTIZE",
    "EXPAND_DIMS",
    "SQUEEZE",
];

/// Makes one dilated convolution of the three operators where that is possible. What remains of the others
/// changes nothing.
pub(super) fn join(operators: &mut [Operator]) {
    for first in 0..operators.len() {
        if operators[first].name != "SPACE_TO_BATCH_ND" {
            continue;
        }
        let Some(conv) = behind(operators, first, |name| matches!(name, "CONV_2D" | "DEPTHWISE_CONV_2D"))
        else {
            continue;
        };
        let Some(last) = behind(operators, conv, |name| name == "BATCH_TO_SPACE_ND") else { continue };
        if let Some(dilated) = dilated(&operators[first], &operators[last]) {
            operators[conv].dilated = Some(dilated);
            for place in [first, last] {
                operators[place].name = "CAST".to_string();
            }
        }
    }
}

/// The operator that is wanted, behind another one, with operators between that alone read each other.
fn behind(operators: &[Operator], from: usize, wanted: fn(&str) -> bool) -> Option<usize> {
    let mut at = from;
    loop {
        let written = operators[at].outputs.first()?;
        let mut readers = (at + 1..operators.len()).filter(|next| operators[*next].inputs.contains(written));
        at = readers.next().filter(|_| readers.next().is_none())?;
        if wanted(&operators[at].name) {
            return Some(at);
        }
        if !BETWEEN.contains(&operators[at].name.as_str()) {
            return None;
        }
    }
}

/// What both make together: padding is what is added before less what is cut behind.
fn dilated(first: &Operator, last: &Operator) -> Option<Dilated> {
    let (block, added, cut) = (first.ints(1)?, first.ints(2)?, last.ints(2)?);
    if last.ints(1)? != block || added.len() != 2 * block.len() || cut.len() != added.len() {
        return None;
    }
    let sides: Vec<i64> = added.iter().zip(&cut).map(|(added, cut)| added.saturating_sub(*cut)).collect();
    if sides.iter().any(|side| *side < 0) {
        return None;
    }
    match (block[..].try_into(), &sides[..]) {
        (Ok(steps), [top, bottom, left, right]) => {
            Some(Dilated { steps, pads: [*top, *left, *bottom, *right] })
        }
        // Of a signal.
        (_, [left, right]) => Some(Dilated { steps: [1, block[0]], pads: [0, *left, 0, *right] }),
        _ => None,
    }
}
