//! What the network of a file answers in floats, in the units of the integer network.

use mixq_format::{Artifact, Bits};

use crate::dataset::Split;
use crate::import::floats;
use crate::import::foreign::Foreign;

/// The outputs of all images as [`crate::evaluate::logits`] has them, of the network in floats: each is the
/// nearest integer. `taken` is the same file with its integers: codes of images are theirs.
pub fn float_outputs(network: &Foreign, taken: &Foreign, artifact: &Artifact, images: &Split) -> Vec<i32> {
    let header = &artifact.header;
    let outputs = header.output.elements();
    let Some(integers) = taken.lowered.integers.input else { return Vec::new() };
    let mut values = vec![0; images.len() * outputs];
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = images.len().div_ceil(threads).max(1);
    let last = network.graph.output_node();
    let most = match header.output.bits {
        Bits::B32 => f64::from(i32::MAX),
        bits @ (Bits::B2 | Bits::B4 | Bits::B8) => f64::from(bits.max_code()),
    };
    std::thread::scope(|scope| {
        for (part, values) in values.chunks_mut(share * outputs).enumerate() {
            scope.spawn(move || {
                for (index, values) in values.chunks_mut(outputs).enumerate() {
                    let codes = images.image(part * share + index);
                    let number = |code: &u8| integers.number(i64::from(*code) + integers.least) as f32;
                    let image: Vec<f32> = codes.iter().map(number).collect();
                    let found = floats::execute(&network.graph, &network.initial, &image);
                    for (value, number) in values.iter_mut().zip(&found[last]) {
                        let integer = (f64::from(*number) / header.logit_scale).round();
                        *value = integer.clamp(-most, most) as i32;
                    }
                }
            });
        }
    });
    values
}
