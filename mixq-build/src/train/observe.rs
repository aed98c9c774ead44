//! The outputs of the float network for the images of a calibration. Processes take turns: each looks at some
//! of the images.

use tch::Tensor;

use super::batches::{batch, within_memory};
use super::forward::Mode;
use super::group::Group;
use super::images::Images;
use super::model::{Model, has_own_grid};
use super::state::copies;
use crate::error::Problem;

/// The images that tell ranges.
pub struct Calibration<'a> {
    /// The images.
    pub images: &'a Images<'a>,
    /// Whether they show nothing. Then batch norm normalises them by their own statistics, so that what
    /// follows it has the means and deviations of the images that the network was trained with (as in arXiv
    /// 1906.04721, section 4.2.1), whatever the images show. All processes look at all of them.
    pub synthetic: bool,
    /// The least number of pieces into which images are divided. It is a setting, not the number of
    /// processes: libtorch may round in another way where it computes another number of images at a time.
    pub shards: u32,
}

impl<'a> Calibration<'a> {
    /// Of all images at a time, as far as memory holds them.
    pub fn whole(images: &'a Images<'a>) -> Calibration<'a> {
        Calibration { images, synthetic: false, shards: 1 }
    }

    /// Shows the outputs of all nodes that have a grid, for those images that are this process's, as many at
    /// a time as memory holds.
    pub fn observe(&self, model: &Model<'_>, group: &Group, mut take: impl FnMut(usize, &Tensor)) {
        // Running averages change where batches have their own statistics.
        let model = &model.with_tensors(copies(&model.tensors));
        let mode = Mode { quantised: false, batch_statistics: self.synthetic };
        let indices: Vec<usize> = (0..self.images.len()).collect();
        let most = within_memory(model.graph, indices.len());
        let least = if self.synthetic { 1 } else { self.shards.max(1) as usize };
        let piece = most.min(indices.len().div_ceil(least)).max(1);
        let pieces: Vec<&[usize]> = indices.chunks(piece).collect();
        let own = if self.synthetic { 0..pieces.len() } else { group.run(pieces.len()) };
        for piece in &pieces[own] {
            let (images, _) = batch(self.images, piece, &model.form());
            tch::no_grad(|| {
                let _ = model.forward_observed(&images, mode, &mut |node, output| {
                    if has_own_grid(model.graph, node) {
                        let relu = model.graph.nodes[node].starts_at_zero();
                        take(node, &if relu { output.relu() } else { output.shallow_clone() });
                    }
                });
            });
        }
    }

    /// What all processes have found, by rank: one list of numbers if all have looked at the same images.
    ///
    /// # Errors
    /// A process is lost.
    pub fn gather(&self, numbers: &[f64], group: &mut Group) -> Result<Vec<Vec<f64>>, Problem> {
        if self.synthetic {
            return Ok(vec![numbers.to_vec()]);
        }
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let all = group.gather(bytes)?.into_iter();
        let words = |bytes: Vec<u8>| -> Vec<f64> {
            bytes.as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word)).collect()
        };
        Ok(all.map(words).collect())
    }
}
