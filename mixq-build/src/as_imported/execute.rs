//! What a network of another tool answers in integers, by the kernels of the device.

use std::collections::BTreeMap;

use mixq_format::{Accuracy, Artifact, Budget, Layers, Output};

use super::AsImported;
use crate::convert::About;
use crate::error::Error;
use crate::evaluate;
use crate::import::foreign::Foreign;
use crate::import::model::{Array, Grid};
use crate::settings::Scheme;

/// A network in integers, to be executed on the inputs of its file.
pub struct Integers {
    foreign: Foreign,
    artifact: Artifact,
    layers: Layers,
}

impl Integers {
    /// The network of a file that was read with its integers.
    ///
    /// # Errors
    /// What keeps the file from being taken over as it is.
    pub fn new(foreign: Foreign) -> Result<Integers, Error> {
        let scheme = Scheme::PerChannel;
        let taken = AsImported::new(&foreign, scheme)?;
        let allocation = taken.allocation(scheme, u64::MAX.into());
        let converted = taken.convert(&allocation, scheme)?;
        let artifact = converted.into_artifact(About {
            name: "imported".to_string(),
            task: foreign.task,
            labels: Vec::new(),
            samples: Vec::new(),
            readout: Default::default(),
            fingerprint: BTreeMap::new(),
            budget: Budget { flash: allocation.flash, ram: allocation.ram },
            accuracy: Accuracy {
                float: 0.0,
                fake_quant: 0.0,
                integer: 0.0,
                test_images: 0,
                disagreements: 0,
                float_validation: 0.0,
                fake_quant_validation: 0.0,
                agreement: false,
            },
        });
        let layers = artifact.layers();
        Ok(Integers { foreign, artifact, layers })
    }

    /// The file's network.
    pub fn foreign(&self) -> &Foreign {
        &self.foreign
    }

    /// The integer network.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// What the network answers: the numbers that the integers of each output stand for, and their grid.
    /// `input` is in the order of the file, too. `None` if the end of the network, which is left to the
    /// firmware, computes something that is not known here.
    pub fn execute(&self, input: &[f32]) -> Option<Vec<(Array, Option<Grid>)>> {
        let integers = &self.foreign.lowered.integers;
        let own = integers.input?;
        let codes: Vec<u8> = (self.foreign.image(input).into_iter())
            .map(|number| (own.integer(f64::from(number)) - own.least) as u8)
            .collect();
        let network = self.artifact.network(&self.layers);
        let mut arena = vec![0; network.arena_bytes as usize];
        let inputs = self.artifact.header.packed(&codes).into_iter();
        let image: Vec<u8> = inputs.flat_map(|(_, bytes)| bytes).collect();
        mixq_rt::infer(&network, &image, &mut arena);
        let header = &self.artifact.header;
        let whole = [Output { name: String::new(), tensor: header.output, scale: header.logit_scale }];
        let outputs = if header.outputs.is_empty() { &whole[..] } else { &header.outputs };
        self.foreign.answers_of(|name| {
            let output = outputs.iter().find(|output| output.name == name).unwrap_or(&outputs[0]);
            let mut values = vec![0; output.tensor.elements()];
            evaluate::read(&output.tensor, &arena, &mut values);
            let numbers = values.into_iter().map(|value| f64::from(value) * output.scale);
            // Sums of 32 bits are finer than what the file has.
            let rounded = integers.layers.get(name).and_then(|layer| layer.output);
            let round = |number: f64| rounded.map_or(number, |own| own.number(own.integer(number)));
            numbers.map(|number| round(number) as f32).collect()
        })
    }
}
