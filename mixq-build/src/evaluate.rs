//! The integer network on the host, by the kernels of the device.

use mixq_format::{Artifact, Bits, Header, Tensor};

use crate::dataset::Split;
use crate::error::Problem;
use crate::task::{Outputs, Targets, rules};

/// The outputs of all images, image after image, each in the order row, column, channel: bit for bit what the
/// device computes. Logits are as they are; of codes the zero point is taken off.
///
/// # Errors
/// The images are not of the size that the network takes.
pub fn logits(artifact: &Artifact, images: &Split) -> Result<Vec<i32>, Problem> {
    let header = &artifact.header;
    let (found, elements) = (images.pixels.len(), header.row_elements());
    if found != images.len() * elements {
        let shapes = header.all_inputs().into_iter().map(|(tensor, _)| tensor);
        let shapes: Vec<String> =
            shapes.map(|t| format!("{}x{}x{}", t.height, t.width, t.channels)).collect();
        let message = format!(
            "model `{}` takes images of {} = {elements} bytes, but {} images have {found} bytes",
            header.name,
            shapes.join(" + "),
            images.len()
        );
        return Err(Problem::new(message).help("images and network must be of one shape"));
    }
    let outputs = artifact.header.output.elements();
    let mut logits = vec![0; images.len() * outputs];
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = images.len().div_ceil(threads).max(1);
    let layers = artifact.layers();
    let network = artifact.network(&layers);
    std::thread::scope(|scope| {
        for (part, logits) in logits.chunks_mut(share * outputs).enumerate() {
            let network = &network;
            scope.spawn(move || {
                let mut arena = vec![0; network.arena_bytes as usize];
                for (index, logits) in logits.chunks_mut(outputs).enumerate() {
                    let inputs = header.packed(images.image(part * share + index)).into_iter();
                    let image: Vec<u8> = inputs.flat_map(|(_, bytes)| bytes).collect();
                    mixq_rt::infer(network, &image, &mut arena);
                    read(&network.output, &arena, logits);
                }
            });
        }
    });
    Ok(logits)
}

/// Reads an output from the arena.
pub(crate) fn read(output: &Tensor, arena: &[u8], values: &mut [i32]) {
    let bytes = &arena[output.range()];
    match output.bits {
        Bits::B32 => {
            values.iter_mut().zip(bytes.as_chunks().0).for_each(|(to, word)| *to = i32::from_ne_bytes(*word));
        }
        Bits::B8 => {
            let zero_point = i32::from(output.zero_point);
            values.iter_mut().zip(bytes).for_each(|(to, code)| *to = i32::from(*code) - zero_point);
        }
        Bits::B2 | Bits::B4 => unreachable!("a file whose output is so narrow is refused when it is read"),
    }
}

/// The answers that these logits of the images stand for.
pub fn answers(artifact: &Artifact, logits: &[i32], images: &Split) -> Targets {
    let header = &artifact.header;
    rules(header.task).answers(&outputs(header, logits, images))
}

/// The thresholds that are best for these logits of the images.
pub fn thresholds(artifact: &Artifact, logits: &[i32], images: &Split) -> Vec<i64> {
    let header = &artifact.header;
    rules(header.task).thresholds(&outputs(header, logits, images), &images.targets)
}

fn outputs<'a>(header: &'a Header, values: &'a [i32], images: &'a Split) -> Outputs<'a> {
    Outputs { header, values, images: images.len(), pixels: &images.pixels }
}

/// How good these logits of a network are for the images, by the measure of its task.
pub fn score(artifact: &Artifact, logits: &[i32], images: &Split) -> f64 {
    rules(artifact.header.task).score(&answers(artifact, logits, images), &images.targets)
}
