//! A package whose network tells bright lines across an image from lines down. It is trained in a second.

use std::fmt::Write;
use std::path::Path;

/// What the package reads and makes, beside its code.
#[derive(Clone, Copy)]
pub struct Lines {
    /// The package's name.
    pub package: &'static str,
    /// Whether images have a second channel, which is 9 everywhere.
    pub constant_channel: bool,
}

impl Lines {
    /// Cargo.toml, whose last table is that of the training: two epochs in float, two with fake quantisation.
    pub fn manifest(&self) -> String {
        let package = self.package;
        format!(
            r#"
[package]
name = "{package}"
version = "0.1.0"
edition = "2024"

[workspace]

[package.metadata.mixq.device]
flash = "2 KiB"
ram = "256 B"

[package.metadata.mixq.models.lines]
network = "network.toml"
dataset = {{ path = "lines.csv", test = 8, labels = ["across", "down"] }}

[package.metadata.mixq.models.lines.training]
epochs = 2
quantised-epochs = 2
"#
        )
    }

    /// Writes the package, but for a build script: it trains nothing by itself.
    ///
    /// # Panics
    /// If the folder cannot be written to.
    pub fn write(&self, folder: &Path) {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("it is in the folder"))
                .expect("a folder can be made");
            std::fs::write(path, text).expect("the folder can be written to");
        };
        write("Cargo.toml", &self.manifest());
        write("network.toml", &self.network());
        write("lines.csv", &self.images());
        write("src/lib.rs", "#![no_std]\n");
    }

    fn network(&self) -> String {
        let channels = 1 + u8::from(self.constant_channel);
        format!(
            r#"
input = [4, 4, {channels}]
[[layer]]
op = "conv"
filters = 4
kernel = 3
[[layer]]
op = "linear"
features = 2
"#
        )
    }

    /// 40 images of one line each, as CSV.
    fn images(&self) -> String {
        let constant = if self.constant_channel { "9," } else { "" };
        let mut text = String::new();
        for image in 0..40 {
            let (label, position) = (image % 2, image / 2 % 4);
            for pixel in 0..16 {
                let on = if label == 0 { pixel / 4 == position } else { pixel % 4 == position };
                let _ = write!(text, "{},{constant}", if on { 200 + image } else { image });
            }
            let _ = writeln!(text, "{label}");
        }
        text
    }
}
