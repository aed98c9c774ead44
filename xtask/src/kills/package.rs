//! A small package to train: its network learns in a second or two.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Epochs of the float phase.
pub const FLOAT_EPOCHS: u64 = 12;

/// Epochs with fake quantisation.
pub const QUANTISED_EPOCHS: u64 = 12;

const MODEL: &str = "lines";

const NETWORK: &str = r#"input = [8, 8, 1]
layer = [
    { op = "conv", filters = 16, kernel = 3 },
    { op = "depthwise", kernel = 3, stride = 2 },
    { op = "pointwise", filters = 24 },
    { op = "global_average_pool" },
    { op = "linear", features = 4 },
]
"#;

/// A folder with a package in it.
pub struct Package {
    folder: PathBuf,
}

impl Package {
    /// Writes it.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn write(folder: &Path) -> io::Result<Package> {
        let manifest = format!(
            "[package]\nname = \"kills\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [package.metadata.mixq.device]\nflash = \"1600 B\"\nram = \"1 KiB\"\n\n\
             [package.metadata.mixq.models.{MODEL}]\nnetwork = \"network.toml\"\n\
             dataset = {{ path = \"lines.csv\", test = 400 }}\n\
             training = {{ epochs = {FLOAT_EPOCHS}, quantised-epochs = {QUANTISED_EPOCHS}, batch = 32, \
             average = 0.9 }}\n"
        );
        fs::create_dir_all(folder.join("src"))?;
        let files = [
            ("Cargo.toml", manifest),
            ("src/lib.rs", String::new()),
            ("network.toml", NETWORK.to_string()),
            ("lines.csv", images(2000)),
        ];
        for (name, text) in files {
            fs::write(folder.join(name), text)?;
        }
        Ok(Package { folder: folder.to_path_buf() })
    }

    /// Its Cargo.toml.
    pub fn manifest(&self) -> PathBuf {
        self.folder.join("Cargo.toml")
    }

    /// Where the artifact is to lie.
    pub fn artifact(&self) -> PathBuf {
        self.folder.join("models").join(format!("{MODEL}.mixq"))
    }

    /// What trainings keep from one run to the next.
    pub fn scratch(&self) -> PathBuf {
        self.folder.join("target/mixq")
    }

    /// The course of the training.
    pub fn metrics(&self) -> PathBuf {
        self.scratch().join(format!("{MODEL}-metrics.jsonl"))
    }

    /// Files in the folders that trainings write to.
    pub fn files(&self) -> Vec<PathBuf> {
        let folders = [self.scratch(), self.scratch().join("datasets"), self.folder.join("models")];
        let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        files.map(|file| file.path()).filter(|path| path.is_file()).collect()
    }

    /// Removes all that a training has made.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn clean(&self) -> io::Result<()> {
        for folder in ["target", "models"].map(|name| self.folder.join(name)) {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Lines across, down and in both diagonals, among noise.
fn images(count: usize) -> String {
    let mut random = fastrand::Rng::with_seed(1);
    let mut text = String::new();
    for image in 0..count {
        let (label, position) = (image % 4, random.usize(0..8));
        for (row, column) in (0..64).map(|pixel| (pixel / 8, pixel % 8)) {
            let bright = match label {
                0 => row == position,
                1 => column == position,
                2 => (row + column) % 8 == position,
                _ => (row + 8 - column) % 8 == position,
            };
            let _ = write!(text, "{},", if bright { random.u8(120..=255) } else { random.u8(0..=140) });
        }
        let _ = writeln!(text, "{label}");
    }
    text
}
