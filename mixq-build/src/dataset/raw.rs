//! Images that lie in memory as they are.

use super::Split;
use super::check;
use super::files::pixels::from_raw;
use super::parts::Wanted;
use super::split::Growing;
use crate::error::Problem;
use crate::graph::Shape;

/// Images of one shape, one after the other in the order row, column, channel, with their labels. `name` says where they are
/// from.
pub(super) fn split(
    wanted: &Wanted<'_>,
    name: &str,
    (pixels, found): (&[u8], Shape),
    label: impl Fn(usize) -> u64,
) -> Result<Split, Problem> {
    let path = wanted.config.path.display();
    let mut split = Growing::default();
    for (index, image) in pixels.chunks(found.elements().max(1)).enumerate() {
        let label = check::label(label(index), wanted.classes)
            .map_err(|reason| Problem::new(format!("{path}: image {index} of {name}: {reason}")))?;
        let image = from_raw(image, found, wanted.shape, wanted.config.resize)
            .map_err(|unfit| unfit.of_all(wanted))?;
        split.pixels.extend(image);
        split.labels.push(label);
    }
    Ok(split.into())
}
