//! Networks that are nearly the same as one that does not fit, and do fit. They are found by trying.

use super::MemoryModel;
use crate::config::chips::{self, Chip};
use crate::error::Problem;
use crate::graph::{Graph, Shape};
use crate::import;
use crate::import::{Builtin, NetworkSource};
use crate::settings::Scheme;

/// Resolutions at which networks are usually trained, in pixels.
const RESOLUTIONS: [usize; 8] = [224, 192, 160, 128, 96, 64, 48, 32];

/// Width multipliers that are usual.
const WIDTHS: [f64; 5] = [1.0, 0.75, 0.5, 0.35, 0.25];

/// Shares of the sides of a layer list's image, as numerators of sixteenths.
const SIXTEENTHS: [usize; 6] = [12, 8, 6, 4, 3, 2];

/// The mildest change of each kind that alone makes a network fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alternatives {
    /// A smaller resolution of a built-in network.
    pub resolution: Option<usize>,
    /// A smaller width multiplier of a built-in network.
    pub width: Option<f64>,
    /// A smaller image of a layer list.
    pub input: Option<Shape>,
    /// The chip with the least RAM whose memories hold the network as it is.
    pub chip: Option<&'static Chip>,
}

impl Alternatives {
    /// Tries changes of a network.
    ///
    /// # Errors
    /// The memory model does not know such networks.
    pub fn find(
        source: &NetworkSource,
        graph: &Graph,
        flash: u64,
        ram: u64,
        scheme: Scheme,
        memory_model: MemoryModel,
    ) -> Result<Alternatives, Problem> {
        let least = memory_model.least(graph, scheme)?;
        // There are many chips, and an allocation takes time: most are decided without one.
        let chip = chips::smallest(|chip| {
            let is_enough = chip.flash >= least.flash;
            chip.ram >= least.ram && (is_enough || memory_model.fits(graph, chip.flash, chip.ram, scheme))
        });
        let fits = |graph: &Graph| memory_model.fits(graph, flash, ram, scheme);
        let builtin_fits = |changed: Builtin| {
            let imported = import::read(&NetworkSource::Builtin(changed));
            imported.and_then(|imported| Graph::resolve(&imported.spec)).is_ok_and(|graph| fits(&graph))
        };
        Ok(match source {
            NetworkSource::Builtin(chosen) => Alternatives {
                resolution: (RESOLUTIONS.into_iter())
                    .filter(|resolution| *resolution < chosen.resolution)
                    .find(|&resolution| builtin_fits(Builtin { resolution, ..chosen.clone() })),
                width: (WIDTHS.into_iter())
                    .filter(|width| *width < chosen.width)
                    .find(|&width| builtin_fits(Builtin { width, ..chosen.clone() })),
                input: None,
                chip,
            },
            NetworkSource::File(_) => {
                Alternatives { input: smaller_image(source, fits), chip, ..Default::default() }
            }
        })
    }
}

/// The largest of several smaller images with which a layer list still is a network, and fits. Of several
/// inputs nothing says which one could be smaller.
fn smaller_image(source: &NetworkSource, fits: impl Fn(&Graph) -> bool) -> Option<Shape> {
    let mut spec = import::read(source).ok()?.spec;
    let [input] = &spec.inputs[..] else { return None };
    let Shape { height, width, channels } = input.shape;
    for share in SIXTEENTHS {
        spec.inputs[0].shape = Shape { height: height * share / 16, width: width * share / 16, channels };
        // Some layers have no room then.
        if Graph::resolve(&spec).is_ok_and(|graph| fits(&graph)) {
            return Some(spec.inputs[0].shape);
        }
    }
    None
}
