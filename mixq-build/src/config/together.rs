//! What all models of the firmware may take together, and how much of it has no owner yet.

use super::device::{Device, Size};
use super::{BudgetOf, Model};
use crate::error::{Location, Problem};
use crate::settings::ArenaSize;
use crate::size::bytes;

/// What all models of a firmware may take together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceBudget {
    /// Flash; `None` where only models have budgets.
    pub flash: Option<Limit>,
    /// RAM; `None` where only models have budgets.
    pub ram: Option<Limit>,
    /// Whether the models take turns in one arena, so that RAM is the largest instead of the sum.
    pub shared_arena: bool,
    /// How large arenas are.
    pub arena: ArenaSize,
}

/// A number of bytes, and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Bytes.
    pub bytes: u64,
    /// The value that they come from.
    pub at: Location,
}

impl DeviceBudget {
    pub(super) fn new([flash, ram]: [Option<Size>; 2], device: &Device) -> DeviceBudget {
        let limit = |size: Size| Some(Limit { bytes: size.bytes?, at: size.at });
        let (flash, ram) = (flash.and_then(limit), ram.and_then(limit));
        DeviceBudget { flash, ram, shared_arena: device.shared_arena, arena: device.arena }
    }

    /// Models with budgets of their own get these. All others get the rest of the device's budget. Reports
    /// own budgets that are larger than the device's.
    pub(super) fn leave(&self, models: &mut [Model], problems: &mut Vec<Problem>) {
        if let Some(device) = &self.flash {
            let own = own(models, |model| (model.flash_of, model.flash, &model.flash_at));
            problems.extend(over(&own, device, "flash"));
            let left = device.bytes.saturating_sub(sum(&own));
            let rest = models.iter_mut().filter(|model| model.flash_of != BudgetOf::Model);
            rest.for_each(|model| model.flash = left);
        }
        if let Some(device) = &self.ram {
            let own = own(models, |model| (model.ram_of, model.ram, &model.ram_at));
            if self.shared_arena {
                problems.extend(own.iter().filter_map(|one| over(std::slice::from_ref(one), device, "ram")));
                return;
            }
            problems.extend(over(&own, device, "ram"));
            let left = device.bytes.saturating_sub(sum(&own));
            let rest = models.iter_mut().filter(|model| model.ram_of != BudgetOf::Model);
            rest.for_each(|model| model.ram = left);
        }
    }
}

/// Name, bytes and place of a model's own budget.
type Own = (String, u64, Option<Location>);

fn own(models: &[Model], budget: impl Fn(&Model) -> (BudgetOf, u64, &Option<Location>)) -> Vec<Own> {
    let budgets = models.iter().map(|model| (model, budget(model)));
    let own = budgets.filter(|(_, (of, ..))| *of == BudgetOf::Model);
    own.map(|(model, (_, bytes, at))| (model.name.clone(), bytes, at.clone())).collect()
}

fn sum(own: &[Own]) -> u64 {
    own.iter().fold(0, |sum, (_, bytes, _)| sum.saturating_add(*bytes))
}

/// A problem if own budgets are more than the device has; it points at the first budget that goes over.
fn over(own: &[Own], device: &Limit, key: &str) -> Option<Problem> {
    let mut before = 0_u64;
    let first = own.iter().find(|(_, bytes, _)| {
        before = before.saturating_add(*bytes);
        before > device.bytes
    });
    let (_, _, location) = first?;
    let place = format!("{}:{}:{}", device.at.path.display(), device.at.line(), device.at.column());
    let has = format!("but the device has {} for all models ({place})", bytes(device.bytes));
    let message = match own {
        [(name, one, _)] => format!("`{key}` of model `{name}` is {}, {has}", bytes(*one)),
        _ => {
            let parts: Vec<String> =
                own.iter().map(|(name, one, _)| format!("`{name}` {}", bytes(*one))).collect();
            let all = bytes(sum(own));
            format!("the models' own `{key}` are {all} together ({}), {has}", parts.join(", "))
        }
    };
    let help = format!(
        "take {} or more off, or leave `{key}` out: models without it share what is left",
        bytes(sum(own) - device.bytes)
    );
    Some(Problem { location: location.clone(), ..Problem::new(message).help(help) })
}
