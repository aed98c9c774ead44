//! Datasets: the real digits, what is read from where and cut how, what is kept, and every message.

#[cfg(feature = "datasets")]
#[path = "dataset/background.rs"]
mod background;
#[cfg(feature = "datasets")]
#[path = "dataset/bombs.rs"]
mod bombs;
#[cfg(feature = "datasets")]
#[path = "dataset/cifar.rs"]
mod cifar;
#[cfg(feature = "datasets")]
#[path = "dataset/colours.rs"]
mod colours;
#[path = "dataset/columns.rs"]
mod columns;
#[cfg(feature = "datasets")]
#[path = "dataset/digests.rs"]
mod digests;
#[path = "dataset/files.rs"]
mod files;
#[cfg(feature = "datasets")]
#[path = "dataset/folders.rs"]
mod folders;
#[cfg(feature = "datasets")]
#[path = "dataset/given.rs"]
mod given;
#[cfg(feature = "datasets")]
#[path = "dataset/idx.rs"]
mod idx;
#[path = "dataset/index.rs"]
mod index;
#[path = "dataset/kept.rs"]
mod kept;
#[cfg(feature = "datasets")]
#[path = "dataset/mask_colours.rs"]
mod mask_colours;
#[cfg(feature = "datasets")]
#[path = "dataset/masks.rs"]
mod masks;
#[cfg(feature = "datasets")]
#[path = "dataset/masks_unfit.rs"]
mod masks_unfit;
#[path = "dataset/messages.rs"]
mod messages;
#[cfg(feature = "datasets")]
#[path = "dataset/npz.rs"]
mod npz;
#[cfg(feature = "datasets")]
#[path = "dataset/odd.rs"]
mod odd;
#[cfg(feature = "datasets")]
#[path = "dataset/parts.rs"]
mod parts;
#[path = "dataset/reading.rs"]
mod reading;
#[cfg(feature = "datasets")]
#[path = "dataset/recordings.rs"]
mod recordings;
#[path = "dataset/recordings_unfit.rs"]
mod recordings_unfit;
#[cfg(feature = "datasets")]
#[path = "dataset/samples.rs"]
mod samples;
#[cfg(feature = "datasets")]
#[path = "dataset/unfit.rs"]
mod unfit;
#[cfg(feature = "datasets")]
#[path = "dataset/unlabelled.rs"]
mod unlabelled;
#[cfg(feature = "datasets")]
#[path = "dataset/vectors.rs"]
mod vectors;
#[cfg(feature = "datasets")]
#[path = "dataset/written.rs"]
mod written;
