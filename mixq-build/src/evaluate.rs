//! The integer network on the host, by the kernels of the device.

use mixq_format::Artifact;

use crate::dataset::Split;
use crate::error::Problem;

/// The logits of every image, image after image, `classes` each: bit for bit what the device computes.
///
/// # Errors
/// The images have not as many bytes as the network takes.
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
    let classes = usize::from(artifact.header.output.channels);
    let mut logits = vec![0; images.len() * classes];
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = images.len().div_ceil(threads).max(1);
    let layers = artifact.layers();
    let network = artifact.network(&layers);
    std::thread::scope(|scope| {
        for (part, logits) in logits.chunks_mut(share * classes).enumerate() {
            let network = &network;
            scope.spawn(move || {
                let mut arena = vec![0; network.arena_bytes as usize];
                for (index, logits) in logits.chunks_mut(classes).enumerate() {
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

/// The class that the logits of each of so many images stand for.
pub fn answers(logits: &[i32], images: usize) -> Vec<u16> {
    let classes = (logits.len() / images.max(1)).max(1);
    logits.chunks(classes).map(|logits| classify(logits) as u16).collect()
}

/// Share of images whose largest logit (the first, of equal ones) is that of their label, 0 to 1.
pub fn accuracy(logits: &[i32], images: &Split) -> f64 {
    let answers = answers(logits, images.len());
    let right = answers.iter().zip(&images.labels).filter(|(answer, label)| answer == label);
    right.count() as f64 / images.len().max(1) as f64
}

/// Index of the largest logit, the first of equal ones.
pub fn classify(logits: &[i32]) -> usize {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    best
}
