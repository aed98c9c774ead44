//! A file for each target.

mod artifact;
mod cifar;
mod csv;
mod datasets;
mod folder;
mod foreign;
mod idx;
mod images;
mod include_model;
mod kept;
mod manifest;
mod memory_x;
mod messages;
mod misbehaving;
mod network;
mod npz;
mod recordings;
mod tar;
mod weights;
mod zip;

use crate::Target;

pub(crate) use misbehaving::MISBEHAVING;

/// All that the command line fuzzes if no target is named.
pub const ALL: [&Target; 24] = [
    &artifact::ARTIFACT,
    &include_model::MACRO,
    &network::NETWORK,
    &weights::WEIGHTS,
    &foreign::ONNX,
    &foreign::TFLITE,
    &manifest::MANIFEST,
    &memory_x::MEMORY_X,
    &csv::CSV,
    &csv::CSV_GZ,
    &folder::FOLDER,
    &images::IMAGES,
    &tar::TAR,
    &tar::TAR_GZ,
    &tar::TAR_ZST,
    &zip::ZIP,
    &npz::NPZ,
    &recordings::SAMPLES,
    &recordings::SERIES,
    &recordings::SOUNDS,
    &idx::IDX,
    &cifar::CIFAR,
    &kept::IMAGES,
    &kept::INDEX,
];
