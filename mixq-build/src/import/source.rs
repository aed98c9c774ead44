//! Where a model's network comes from.

use std::path::PathBuf;

use serde::Serialize;

use super::builtin::{self, PaddingStyle};

/// Names of the built-in networks.
pub const BUILTIN_NAMES: &[&str] = &builtin::NAMES;

/// Where a model's network comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkSource {
    /// A layer list in TOML, or a file of another tool; the path is joined to the package's folder.
    File(PathBuf),
    /// A network that mixq knows.
    Builtin(Builtin),
}

/// A built-in network with its options.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Builtin {
    /// One of [`BUILTIN_NAMES`].
    pub name: String,
    /// Factor on the channels of the inner layers, over 0.
    pub width: f64,
    /// Height of the image in pixels, and its width where the network takes square images.
    pub resolution: usize,
    /// Channels of the image.
    pub channels: usize,
    /// Classes, at least 2; `None`: as many as the published network has.
    pub classes: Option<usize>,
    /// Stride of the first layer; `None`: the published one.
    pub stem_stride: Option<usize>,
    /// Whose padding the windows have.
    pub padding: PaddingStyle,
}

impl Builtin {
    /// The network as published: its full width and its own image; `None` if there is none of this name.
    pub fn published(name: &str) -> Option<Builtin> {
        let builtin::Options { width, resolution, channels, stem_stride, padding, .. } =
            builtin::published(name)?;
        let name = name.to_string();
        Some(Builtin { name, width, resolution, channels, classes: None, stem_stride, padding })
    }

    /// The same as options of [`builtin::spec`].
    pub fn options(&self) -> builtin::Options {
        let published = builtin::published(&self.name).map(|published| published.classes);
        builtin::Options {
            width: self.width,
            resolution: self.resolution,
            channels: self.channels,
            // A name that does not exist is refused for that, whatever the classes.
            classes: self.classes.or(published).unwrap_or(2),
            stem_stride: self.stem_stride,
            padding: self.padding,
        }
    }
}
