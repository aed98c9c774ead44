//! Statistics of batch norm that are measured anew, for weights that do not change.

use tch::Tensor;

use super::batches::{batch, least};
use super::forward::Mode;
use super::model::Model;
use super::part::Part;
use super::phase::Phase;
use crate::settings::Scheme;

/// The share of a batch's statistics in the running ones, as [`Model::forward`] has it.
const SHARE: f64 = 0.1;

impl Phase<'_> {
    /// Gives batch norms the mean statistics of some training images, in batches of the size of those of
    /// training, if the settings ask for that. Running averages are of weights that have changed since, which
    /// matters the more the fewer bits they have.
    pub fn renew_statistics(&self, model: &mut Model<'_>) {
        let count = self.train.len().min(self.settings.batch_norm_images as usize);
        // Where statistics are part of the weights, no batch has its own.
        if !self.quantised || self.epochs() == 0 || self.scheme == Scheme::PerLayerFolded {
            return;
        }
        let indices: Vec<usize> = (0..count).collect();
        let batches = indices.chunks(self.settings.batch as usize);
        let batches: Vec<_> = batches.filter(|batch| batch.len() >= least(model.graph)).collect();
        if batches.is_empty() {
            return;
        }
        let is_statistic = |name: &str| matches!(Part::of(name), Some(Part::Mean | Part::Variance));
        let names: Vec<String> = model.tensors.keys().filter(|name| is_statistic(name)).cloned().collect();
        let zeros = |model: &Model<'_>| -> Vec<Tensor> {
            names.iter().map(|name| model.tensors[name].zeros_like()).collect()
        };
        let mode = Mode { quantised: true, batch_statistics: true };
        tch::no_grad(|| {
            let mut sums = zeros(model);
            for indices in &batches {
                model.tensors.extend(names.iter().cloned().zip(zeros(model)));
                let (images, _) = batch(self.train, indices, &model.form());
                let _ = model.forward(&images, mode);
                sums.iter_mut().zip(&names).for_each(|(sum, name)| *sum += &model.tensors[name]);
            }
            let means = sums.into_iter().map(|sum| sum / (SHARE * batches.len() as f64));
            model.tensors.extend(names.iter().cloned().zip(means));
        });
    }
}
