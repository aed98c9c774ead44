//! One PNG or JPEG file among others that are as they should be. A case is that file.

use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::datasets::{SMALL, read_tolerantly};
use crate::mutate::once_in;
use crate::seeds::images::{image, mend_png, mutate, uniform_png};
use crate::{Target, Verdict};

pub(super) const IMAGES: Target = Target {
    name: "images",
    generate,
    mutate: |rng, mut case, engine| {
        if rng.bool() {
            mutate(rng, &mut case);
        } else {
            engine(&mut case);
            mend_png(&mut case);
        }
        case
    },
    read: read_among_others,
};

fn generate(rng: &mut Rng) -> Vec<u8> {
    if once_in(rng, 20_000) {
        return uniform_png(1 << rng.u32(13..18), 1 << rng.u32(10..15));
    }
    let mut file = image(rng);
    if !once_in(rng, 4) {
        mutate(rng, &mut file);
    }
    file
}

fn read_among_others(case: &[u8], scratch: &Path) -> Verdict {
    let root = scratch.join("folder");
    for class in ["a", "b", "c"] {
        let folder = root.join(class);
        fs::create_dir_all(&folder).expect("the scratch folder can be written to");
        let rng = &mut Rng::with_seed(0);
        for number in 0..3 {
            let path = folder.join(format!("{number}.png"));
            if !path.exists() {
                let mut file = image(rng);
                while image_size(&file) != Some((4, 4)) {
                    file = image(rng);
                }
                fs::write(path, file).expect("the scratch folder can be written to");
            }
        }
    }
    fs::write(root.join("b/1.png"), case).expect("the scratch folder can be written to");
    // The file itself decides.
    read_tolerantly(&root, SMALL, 3, 0.0)
}

fn image_size(file: &[u8]) -> Option<(u32, u32)> {
    let reader = image::ImageReader::new(std::io::Cursor::new(file)).with_guessed_format().ok()?;
    reader.into_dimensions().ok()
}
