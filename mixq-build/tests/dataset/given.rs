//! Datasets in folders of their own, and what is read of them.

use std::path::PathBuf;

use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::error::Error;
use mixq_build::engine::graph::Shape;
use mixq_build::engine::observer::Observer;
use tempfile::TempDir;

use crate::written::*;

/// Three rows of two pixels, one channel.
pub const DIGIT: Shape = Shape { height: 3, width: 2, channels: 1 };

/// A folder with files, or a packed one, and what is read of it.
pub struct Given {
    folder: TempDir,
    pub path: PathBuf,
}

impl Given {
    pub fn folder(files: &Files) -> Given {
        let folder = TempDir::new().unwrap();
        write_folder(folder.path(), files);
        Given { path: folder.path().to_path_buf(), folder }
    }

    pub fn file(name: &str, contents: &[u8]) -> Given {
        let folder = TempDir::new().unwrap();
        Given { path: write_file(folder.path(), name, contents), folder }
    }

    pub fn load(&self, shape: Shape, classes: usize, observer: &mut dyn Observer) -> Result<Dataset, Error> {
        assert!(self.folder.path().exists());
        Dataset::load(&DatasetConfig::new(&self.path), shape, classes, observer)
    }

    /// What is said; `ROOT` stands for the path.
    pub fn refused(&self, shape: Shape, classes: usize) -> String {
        let error = self.load(shape, classes, &mut ()).expect_err("an error");
        error.to_string().replace(&self.path.display().to_string(), "ROOT")
    }
}
