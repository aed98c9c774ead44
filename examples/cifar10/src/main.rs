//! Tells ten kinds of things apart on a Cortex-M4: says of each test image what it is taken for, then how
//! many of them are right. With the semihosting argument `logits` it prints the logits of every image
//! instead, one line of comma-separated values each.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use semihosting::{experimental::env, print, println, process};

mixq_rt::include_model!(cifar10);

static IMAGES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cifar10_test_images.bin"));
static ANSWERS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cifar10_test_labels.bin"));

#[entry]
fn main() -> ! {
    // All the RAM that the network takes. `#[entry]` makes it a `&'static mut`.
    static mut NETWORK: cifar10::Network = cifar10::Network::new();

    let logits = asked_for("logits");
    let (images, _) = IMAGES.as_chunks::<{ cifar10::INPUT_BYTES }>();
    let mut right = 0;
    for (image, answer) in images.iter().zip(ANSWERS) {
        if logits {
            print_logits(NETWORK.infer(image));
            continue;
        }
        let (answer, taken_for) = (usize::from(*answer), NETWORK.classify(image));
        println!("{:<10} is taken for {}", cifar10::LABELS[answer], cifar10::LABELS[taken_for]);
        right += usize::from(answer == taken_for);
    }
    if !logits {
        println!("{right} of {} right", images.len());
    }
    process::exit(0)
}

fn print_logits(logits: &[i32]) {
    for (index, logit) in logits.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        print!("{separator}{logit}");
    }
    println!();
}

/// Whether a word is among the semihosting arguments.
fn asked_for(word: &str) -> bool {
    env::args::<1024>().is_ok_and(|args| (&args).any(|argument| argument == Ok(word)))
}
