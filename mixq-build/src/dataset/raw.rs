//! Images that lie in memory as they are.

use super::Split;
use super::files::pixels::{Changes, from_raw};
use super::limit;
use super::parts::Wanted;
use super::split::Growing;
use crate::error::Problem;
use crate::graph::Shape;
use crate::task::Targets;

/// Images of one shape, one after the other in the order row, column, channel, from a file of
/// `packed` bytes; `push` appends the target of an image. `name` says where they are from.
pub(super) fn split(
    wanted: &Wanted<'_>,
    name: &str,
    (pixels, found): (&[u8], Shape),
    push: impl Fn(usize, &mut Targets) -> Result<(), String>,
    packed: u64,
    changes: &mut Changes,
) -> Result<Split, Problem> {
    let path = wanted.config.path.display();
    let size = found.elements().max(1);
    if let Some(problem) = limit::images(wanted, (pixels.len() / size) as u64, packed) {
        return Err(problem);
    }
    let mut split = Growing::default();
    for (index, image) in pixels.chunks(size).enumerate() {
        push(index, &mut split.targets)
            .map_err(|reason| Problem::new(format!("{path}: image {index} of {name}: {reason}")))?;
        let fit = from_raw(image, found, wanted.shape, wanted.config.resize)
            .map_err(|unfit| unfit.of_all(wanted))?;
        split.pixels.extend(fit.pixels);
        changes.add(fit.changes);
    }
    Ok(split.into())
}
