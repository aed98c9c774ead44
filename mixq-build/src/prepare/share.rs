//! What each model gets of the memory that several models of a firmware take together.

use mixq_format::Bits;

use super::memory_model;
use super::{as_imported, comes_in_rows, inputs, network};
use crate::config::{BudgetOf, Config, Limit, Model};
use crate::error::{Error, Problem};
use crate::graph::Graph;
use crate::memory::arena::ALIGNMENT;
use crate::memory::{allocate, allocate_uniformly};
use crate::shortage::Least;
use crate::size::bytes;

/// The bytes that a model takes of one memory at its lowest bits and at its highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Need {
    least: u64,
    full: u64,
}

/// Divides the device's memory, less own budgets, among the models that have no budget of their own.
///
/// Each gets the bytes of its network at 2 bits. The rest is divided in proportion to what each network
/// takes more at 8 bits than at 2 bits. So all of them lose about as many bits. The parts depend on all
/// models of the firmware, also when a command is about one of them. A single model gets all. Models that
/// share an arena may each take all RAM.
///
/// # Errors
/// A network that cannot be read, or models that do not fit together even at their lowest bits.
pub fn share(mut config: Config) -> Result<Config, Error> {
    let device = config.device.clone();
    let memories = [
        ("flash", device.flash, 1, flash as Budget),
        ("RAM", device.ram.filter(|_| !device.shared_arena), ALIGNMENT as u64, ram as Budget),
    ];
    let shared = memories.into_iter().enumerate().filter_map(|(which, (name, limit, unit, budget))| {
        let shares = |model: &mut Model| *budget(model).1 == BudgetOf::Device;
        let several = config.models.iter_mut().map(shares).filter(|shares| *shares).count() > 1;
        limit.filter(|_| several).map(|limit| (which, name, limit, unit, budget))
    });
    let shared: Vec<_> = shared.collect();
    if shared.is_empty() {
        return Ok(config);
    }
    let mut problems = Vec::new();
    let mut needs = Vec::new();
    for model in &config.models {
        let need = if model.as_imported {
            as_imported::bytes(model).map(|need| need.map(|bytes| Need { least: bytes, full: bytes }))
        } else {
            network(model).and_then(|(_, graph)| Ok(of(model, &graph)?))
        };
        match need {
            Ok(need) => needs.push(need),
            Err(error) => problems.extend(error.problems),
        }
    }
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    for (which, name, limit, unit, budget) in shared {
        let sharing = config.models.iter_mut().zip(&needs).map(|(model, needs)| (model, needs[which]));
        let sharing = sharing.filter_map(|(model, need)| {
            let name = model.name.clone();
            Some((name, need, budget(model))).filter(|(.., (_, of))| **of == BudgetOf::Device)
        });
        let (mut names, mut needs, mut budgets) = (Vec::new(), Vec::new(), Vec::new());
        for (name, need, budget) in sharing {
            names.push(name);
            needs.push(need);
            budgets.push(budget);
        }
        // Each still has all of it.
        let left = *budgets[0].0;
        match divide(left, &needs, unit) {
            Some(shares) => budgets.into_iter().zip(shares).for_each(|((bytes, of), share)| {
                (*bytes, *of) = (share, BudgetOf::Share);
            }),
            None => problems.push(shortage(name, &limit, left, &names, &needs)),
        }
    }
    if problems.is_empty() { Ok(config) } else { Err(Error { problems }) }
}

/// A model's budget for one memory, and whose it is.
type Budget = fn(&mut Model) -> (&mut u64, &mut BudgetOf);

fn flash(model: &mut Model) -> (&mut u64, &mut BudgetOf) {
    (&mut model.flash, &mut model.flash_of)
}

fn ram(model: &mut Model) -> (&mut u64, &mut BudgetOf) {
    (&mut model.ram, &mut model.ram_of)
}

/// What a model takes of flash and of RAM. With a uniform policy there is nothing to choose.
///
/// # Errors
/// The image cannot come in rows, though it should: no memory would do.
fn of(model: &Model, graph: &Graph) -> Result<[Need; 2], Problem> {
    let any = u64::MAX;
    let scheme = model.scheme;
    comes_in_rows(model, graph, model.policy.uniform().unwrap_or(Bits::B8))?;
    let (least, full) = match model.policy.uniform() {
        Some(bits) => (None, allocate_uniformly(graph, bits, any, any, scheme)),
        None => {
            // Samples have their fewest bits then, too.
            let narrow = Graph { inputs: inputs::cut(model, graph, 0), ..graph.clone() };
            let least = memory_model(model).least(&narrow, scheme)?;
            (Some(least), allocate(graph, any, any, scheme))
        }
    };
    let full = full.map_err(|_| Problem::new(format!("model `{}` fits in no memory", model.name)))?;
    let Least { flash, ram } = least.unwrap_or(Least { flash: full.flash, ram: full.ram });
    // Thresholds of narrow activations may be more than all that 8 bits take.
    Ok([Need { least: flash, full: full.flash.max(flash) }, Need { least: ram, full: full.ram.max(ram) }])
}

/// Parts of `whole`, each a multiple of `unit` and no less than the least; `None` if these are more than the
/// whole.
fn divide(whole: u64, needs: &[Need], unit: u64) -> Option<Vec<u64>> {
    let sum = |of: fn(&Need) -> u64| needs.iter().map(|need| u128::from(of(need))).sum::<u128>();
    let rest = u128::from(whole).checked_sub(sum(|need| need.least))?;
    let distances = sum(|need| need.full - need.least);
    let share = |need: &Need| {
        let part = match distances {
            0 => rest / needs.len() as u128,
            // Both factors are below 2^64.
            _ => rest * u128::from(need.full - need.least) / distances,
        };
        let share = need.least + u64::try_from(part).expect("a part of the whole");
        share / unit * unit
    };
    Some(needs.iter().map(share).collect())
}

/// The error for models that do not fit together even at their lowest bits.
fn shortage(memory: &str, device: &Limit, left: u64, names: &[String], needs: &[Need]) -> Problem {
    let least = needs.iter().fold(0_u64, |sum, need| sum.saturating_add(need.least));
    let both = names.iter().zip(needs);
    let each: Vec<String> = both.map(|(name, need)| format!("`{name}` {}", bytes(need.least))).collect();
    let own = match device.bytes - left {
        0 => String::new(),
        own => format!(" that own budgets of {} leave", bytes(own)),
    };
    let message = format!(
        "the models need at least {} of {memory} together ({}), of {}{own}",
        bytes(least),
        each.join(", "),
        bytes(left)
    );
    let missing = least - left;
    let turns = if memory == "RAM" { "`shared-arena = true` if they run in turns, " } else { "" };
    let help = format!("{} more, {turns}smaller networks, or fewer models would fit", bytes(missing));
    Problem::new(message).help(help).at(device.at.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need((least, full): (u64, u64)) -> Need {
        Need { least, full }
    }

    /// By hand: the rest is 1000 - 100 - 200 = 700, the distances are 300 and 400; 700 * 300 / 700 = 300.
    #[test]
    fn the_rest_is_divided_by_the_distances_to_8_bits() {
        let needs = [(100, 400), (200, 600)].map(need);
        assert_eq!(divide(1000, &needs, 1), Some(vec![400, 600]));
        // 701 * 3 / 7 = 300.43, 701 * 4 / 7 = 400.57.
        assert_eq!(divide(1001, &needs, 1), Some(vec![400, 600]));
        // Nothing is left over the least.
        assert_eq!(divide(300, &needs, 1), Some(vec![100, 200]));
        assert_eq!(divide(299, &needs, 1), None);
        // 50 * 3 / 7 = 21.4 and 28.6: 121 and 228, of which words are 120 and 228.
        assert_eq!(divide(350, &needs, 4), Some(vec![120, 228]));
    }

    #[test]
    fn models_whose_bits_are_given_get_equal_parts_of_the_rest() {
        let needs = [(100, 100), (40, 40)].map(need);
        assert_eq!(divide(160, &needs, 1), Some(vec![110, 50]));
        // Beside one that can use it, they get none.
        let needs = [(100, 100), (40, 400)].map(need);
        assert_eq!(divide(200, &needs, 1), Some(vec![100, 100]));
    }

    #[test]
    fn the_largest_numbers_are_divided_exactly() {
        let needs = [(0, u64::MAX), (0, u64::MAX)].map(need);
        assert_eq!(divide(u64::MAX, &needs, 1), Some(vec![u64::MAX / 2; 2]));
        let needs = [(u64::MAX, u64::MAX), (1, 1)].map(need);
        assert_eq!(divide(u64::MAX, &needs, 1), None);
    }
}
