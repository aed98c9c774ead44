//! What executes networks, as far as it is known before firmware is compiled, and what they cost there.

use mixq_format::Artifact;
use mixq_format::target::{Cost, Outline, Target};

use super::{Flags, choose};
use crate::config::cores::Core;
use crate::config::{Config, Model};
use crate::graph::Graph;
use crate::memory::Allocation;
use crate::settings::{ArenaSize, Scheme};

/// An instruction set, and the Rust target that code is compiled for.
#[derive(Clone, Debug)]
pub struct Platform {
    /// The instruction set.
    pub target: &'static Target,
    /// For example `thumbv7em-none-eabihf`.
    pub rust_target: String,
    /// The processor's clock in Hz.
    pub clock: Option<u64>,
}

/// A network in the arena that it has in the firmware.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The network; its arena is that of the firmware.
    pub artifact: Artifact,
    /// Bytes of the arena that the network does not need, but is faster with.
    pub speed_bytes: u64,
    /// What an inference costs; `None` where it is not known what executes the network.
    pub speed: Option<Speed>,
}

/// What an inference costs.
#[derive(Clone, Debug)]
pub struct Speed {
    /// The Rust target.
    pub rust_target: String,
    /// The cost of each layer.
    pub layers: Vec<Cost>,
    /// The cost of all layers together.
    pub all: Cost,
    /// The cost of all layers in the least arena, without the bytes for speed.
    pub in_least_arena: Cost,
    /// The processor's clock in Hz.
    pub clock: Option<u64>,
}

impl Speed {
    /// Milliseconds of an inference, where cycles and clock are known.
    pub fn milliseconds(&self) -> Option<f64> {
        let cycles = self.all.cycles?;
        self.clock.map(|clock| 1000.0 * cycles as f64 / clock as f64)
    }
}

impl Placed {
    /// A network in its least arena. What executes it is not known.
    pub fn least(artifact: &Artifact) -> Placed {
        Placed { artifact: artifact.clone(), speed_bytes: 0, speed: None }
    }
}

impl Platform {
    /// A platform. `None` for a Rust target that the cost model does not know. It knows Arm's
    /// microcontrollers (`thumb...`) and 32-bit RISC-V.
    pub fn new(target: &'static Target, rust_target: &str, clock: Option<u64>) -> Option<Platform> {
        let is_known = ["thumb", "riscv32"].iter().any(|beginning| rust_target.starts_with(beginning));
        is_known.then(|| Platform { target, rust_target: rust_target.to_string(), clock })
    }

    /// The platform of firmware that is compiled for a Rust target, on the processor that Cargo.toml names.
    /// Without a Rust target the firmware is taken to be compiled for the usual target of the processor.
    pub fn find(rust_target: Option<&str>, config: &Config) -> Option<Platform> {
        let processor = config.processor.as_ref();
        let rust_target = rust_target.or(processor.map(|processor| processor.core.rust_target()))?;
        let target = choose(rust_target, processor, &Flags::default()).ok()?.target;
        Platform::new(target, rust_target, config.clock)
    }

    /// The platform of code for a Rust target, on a processor. Without a processor, DSP instructions are
    /// taken to be there where they are optional.
    pub fn of(rust_target: &str, core: Option<&Core>, clock: Option<u64>) -> Option<Platform> {
        Platform::new(Target::of(rust_target, core.is_none_or(|core| core.dsp)), rust_target, clock)
    }

    /// The networks of a firmware, each in its arena. An arena is as large as it makes the network faster,
    /// within the budgets of the model and of the device. With the setting `arena = "least"` it is the least.
    /// A shared arena is as large as the largest: each network works in as much of it as makes it faster.
    pub fn place(&self, config: &Config, artifacts: &[Option<Artifact>]) -> Vec<Option<Placed>> {
        let needed: u64 = artifacts.iter().flatten().map(|artifact| artifact.ram_bytes() as u64).sum();
        let device = config.device.ram.as_ref().map_or(u64::MAX, |limit| limit.bytes);
        // Of all RAM that the device has for networks, what no network needs. In a shared arena they take
        // turns.
        let shared = config.device.shared_arena;
        let mut left = if shared { u64::MAX } else { device.saturating_sub(needed) };
        let place = |(model, artifact): (&Model, &Option<Artifact>)| {
            let artifact = artifact.as_ref()?;
            let (layers, kept, least) = (artifact.layers(), artifact.kept(), artifact.header.arena_bytes);
            let most = match config.device.arena {
                ArenaSize::Least => 0,
                ArenaSize::Fastest => model.ram.min(left.saturating_add(least.into())).min(device),
            };
            let parameters = Some(&artifact.parameters[..]);
            let outline = Outline { steps: layers.steps(&kept), parameters, arena_bytes: least };
            let bytes = self.target.fastest_arena(&self.rust_target, &outline, most);
            let speed_bytes = u64::from(bytes - least);
            left = left.saturating_sub(speed_bytes);
            let speed = self.speed([least, bytes], |bytes| {
                let placed = artifact.in_arena(bytes);
                let (layers, kept) = (placed.layers(), placed.kept());
                let steps = layers.steps(&kept);
                self.target.costs(&self.rust_target, steps, &placed.parameters, bytes)
            });
            Some(Placed { artifact: artifact.in_arena(bytes), speed_bytes, speed: Some(speed) })
        };
        config.models.iter().zip(artifacts).map(place).collect()
    }

    /// What a network costs that has bits but no weights, in at most `ram` bytes, and the bytes of its arena.
    /// `None`, if it needs more RAM than kernels can address.
    pub fn outlined(
        &self,
        graph: &Graph,
        allocation: &Allocation,
        scheme: Scheme,
        ram: u64,
    ) -> Option<(Speed, u32)> {
        allocation.with_outline(graph, scheme, |outline| {
            let arena = self.target.fastest_arena(&self.rust_target, outline, ram);
            let costs = |bytes: u32| self.target.outline_costs(&self.rust_target, outline, bytes);
            (self.speed([outline.arena_bytes, arena], costs), arena)
        })
    }

    /// The speed in the least arena and in that of the firmware, from the cost of each layer in an arena.
    fn speed(&self, [least, arena]: [u32; 2], costs: impl Fn(u32) -> Vec<Cost>) -> Speed {
        let layers = costs(arena);
        Speed {
            rust_target: self.rust_target.clone(),
            clock: self.clock,
            all: layers.iter().copied().sum(),
            layers,
            in_least_arena: costs(least).into_iter().sum(),
        }
    }
}

/// The networks of a firmware as [`Platform::place`] places them; in their least arenas where it is not known
/// what executes them.
pub fn place(
    platform: Option<&Platform>,
    config: &Config,
    artifacts: &[Option<Artifact>],
) -> Vec<Option<Placed>> {
    match platform {
        Some(platform) => platform.place(config, artifacts),
        None => artifacts.iter().map(|artifact| artifact.as_ref().map(Placed::least)).collect(),
    }
}
