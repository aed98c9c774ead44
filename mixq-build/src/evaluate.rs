//! The integer network on the host, by the kernels of the device.

use mixq_format::{Artifact, Header};

use crate::dataset::Split;
use crate::error::Problem;
use crate::task::{Outputs, Targets, rules};

/// The outputs (logits) of all images, image after image: bit for bit what the device computes.
///
/// # Errors
/// The images are not of the size that the network takes.
pub fn logits(artifact: &Artifact, images: &Split) -> Result<Vec<i32>, Problem> {
    let input = artifact.header.input;
    let found = images.pixels.len();
    if found != images.len() * input.bytes() {
        let (height, width, channels) = (input.height, input.width, input.channels);
        let message = format!(
            "model `{}` takes images of {height}x{width}x{channels} = {} bytes, but {} images have {found} \
             bytes",
            artifact.header.name,
            input.bytes(),
            images.len()
        );
        return Err(Problem::new(message).help("images and network must be of one shape"));
    }
    let outputs = usize::from(artifact.header.output.channels);
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
                    arena[network.input.range()].copy_from_slice(images.image(part * share + index));
                    mixq_rt::run(network, &mut arena);
                    for (logit, bytes) in logits.iter_mut().zip(arena[network.output.range()].as_chunks().0) {
                        *logit = i32::from_ne_bytes(*bytes);
                    }
                }
            });
        }
    });
    Ok(logits)
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
