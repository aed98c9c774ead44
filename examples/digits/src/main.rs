//! Recognises handwritten digits on a Cortex-M4: shows a few with its answers, then says how many
//! of all test images it gets right. With the semihosting argument `logits` it prints the logits of
//! every image instead, one line of comma-separated values each.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use semihosting::{experimental::env, print, println, process};

mixq_rt::include_model!(digits);

type Image = [u8; digits::INPUT_BYTES];

static IMAGES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/digits_test_images.bin"));
static ANSWERS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/digits_test_labels.bin"));

#[entry]
fn main() -> ! {
    // All the RAM that the network takes. `#[entry]` makes it a `&'static mut`.
    static mut NETWORK: digits::Network = digits::Network::new();

    let (images, _) = IMAGES.as_chunks();
    if asked_for("logits") {
        print_logits(NETWORK, images);
    } else {
        show(NETWORK, &images[..4]);
        let right = images
            .iter()
            .zip(ANSWERS)
            .filter(|(image, answer)| NETWORK.classify(image) == usize::from(**answer));
        println!("{} of {} right", right.count(), images.len());
    }
    process::exit(0)
}

/// Prints digits as they look, each with the network's answer.
fn show(network: &mut digits::Network, images: &[Image]) {
    const SHADES: [char; 5] = [' ', '.', '+', '%', '@'];
    for image in images {
        let brightest = image.iter().fold(1, |brightest, pixel| brightest.max(usize::from(*pixel)));
        for row in image.chunks_exact(digits::INPUT_WIDTH * digits::INPUT_CHANNELS) {
            for pixel in row {
                let shade = SHADES[usize::from(*pixel) * (SHADES.len() - 1) / brightest];
                print!("{shade}{shade}");
            }
            println!();
        }
        println!("This is a {}.\n", digits::LABELS[network.classify(image)]);
    }
}

fn print_logits(network: &mut digits::Network, images: &[Image]) {
    for image in images {
        let (first, others) = network.infer(image).split_first().unwrap();
        print!("{first}");
        for logit in others {
            print!(",{logit}");
        }
        println!();
    }
}

/// Whether a word is among the semihosting arguments.
fn asked_for(word: &str) -> bool {
    env::args::<1024>().is_ok_and(|args| (&args).any(|argument| argument == Ok(word)))
}
