//! The widths of activations by the rules, and how they fit the RAM.

use mixq_format::Bits;

use super::arena::Plan;
use super::execution;
use super::rules::{Side, Step, cut_activations};
use super::runtime::{Cut, Infeasible};
use super::schedule::Schedule;
use super::stripes::Stripes;
use crate::graph::Graph;
use crate::settings::Ram;

/// Widths, and how tensors of these widths fit the RAM.
pub(super) struct Fitted {
    /// By width.
    pub widths: Vec<Bits>,
    /// What was cut.
    pub cuts: Vec<Cut>,
    /// The runs of steps that are executed in stripes.
    pub stages: Vec<Stripes>,
    /// The arena.
    pub plan: Plan,
}

/// The bits of the inputs under the bytes of `ram`, where those of some may be cut by the rules, as those of
/// other tensors: `free` says of each input whether they may. Where nothing meets the budget, these have 2.
pub fn input_bits(graph: &Graph, free: &[bool], ram: impl Into<Ram>) -> Vec<Bits> {
    let ram = ram.into();
    let mut schedule = Schedule::new(graph).sliding(ram.execution.hop());
    // Inputs have the first widths.
    free.iter().zip(&mut schedule.fixed).for_each(|(free, fixed)| *fixed &= !free);
    let widths = match cut_widths(&schedule, ram) {
        Ok((widths, ..)) => widths,
        Err(_) => narrowest(&schedule),
    };
    widths[..free.len()].to_vec()
}

pub(super) fn fit_activations(schedule: &Schedule, ram: Ram) -> Result<Fitted, Infeasible> {
    let (widths, cut, stages, plan) = cut_widths(schedule, ram)?;
    let mut now = schedule.initial_widths();
    let cuts = (cut.into_iter())
        .map(|width| {
            now[width] = now[width].narrower().expect("the rule cuts only what can be cut");
            Cut { node: schedule.first_with_width(width), weights: false, to: now[width] }
        })
        .collect();
    Ok(Fitted { widths, cuts, stages, plan })
}

/// The widths by the rules, which of them were cut in which order, and how they fit the RAM.
fn cut_widths(schedule: &Schedule, ram: Ram) -> Result<Cuts, Infeasible> {
    let by_rules = by_rules(schedule, ram);
    // The rules may have cut a row to less than a word, so that a layer has to be executed whole.
    by_rules.or_else(|dead_end| {
        let found = [Bits::B4, Bits::B2].into_iter().find_map(|bits| {
            let widths = at_most(schedule, bits);
            let (stages, plan) = execution::fit(schedule, &widths, ram)?;
            let initial = schedule.initial_widths();
            let cuts = |width: &usize| {
                let wider = Bits::QUANTISED.iter();
                wider.filter(|bits| initial[*width] >= **bits && widths[*width] < **bits).count()
            };
            let cut = (0..widths.len()).flat_map(|width| vec![width; cuts(&width)]).collect();
            Some((widths, cut, stages, plan))
        });
        found.ok_or(dead_end)
    })
}

/// Widths, which of them were cut in which order, and how they fit the RAM.
type Cuts = (Vec<Bits>, Vec<usize>, Vec<Stripes>, Plan);

/// The same by the rules alone.
fn by_rules(schedule: &Schedule, ram: Ram) -> Result<Cuts, Infeasible> {
    let steps = rule_steps(schedule);
    let mut widths = schedule.initial_widths();
    let least = schedule.least_widths();
    // What lives at each step at the widths that were asked about last.
    let mut known: (Vec<Bits>, Vec<u64>) = (Vec::new(), Vec::new());
    let violates = |widths: &[Bits], step: usize| {
        if known.0 != widths {
            known = (widths.to_vec(), execution::live(schedule, widths, ram.execution));
        }
        known.1[step] > ram.bytes
    };
    let mut cut = cut_activations(&mut widths, &least, &steps, violates)
        .map_err(|dead_end| ram_dead_end(schedule, dead_end.step, ram))?;
    // Each step fits now, alone or in a stage. Where branches cross, a plan may need more than what lives at
    // any step, and stages may exclude one another.
    loop {
        if let Some((stages, plan)) = execution::fit(schedule, &widths, ram) {
            return Ok((widths, cut, stages, plan));
        }
        let dead_end = || ram_dead_end(schedule, None, ram);
        let width = widest(schedule, &widths, &least).ok_or_else(dead_end)?;
        widths[width] = widths[width].narrower().expect("the widest that can be cut");
        cut.push(width);
    }
}

/// All widths that may be cut at 2 bits.
fn narrowest(schedule: &Schedule) -> Vec<Bits> {
    at_most(schedule, Bits::B2)
}

/// All widths that may be cut at these bits, or fewer if they have fewer.
pub(super) fn at_most(schedule: &Schedule, bits: Bits) -> Vec<Bits> {
    let widths = schedule.initial_widths().into_iter().zip(&schedule.fixed);
    widths.map(|(own, fixed)| if *fixed { own } else { bits.min(own) }).collect()
}

/// Of the widths above their least bits the one with the most, of those the one with the most elements.
fn widest(schedule: &Schedule, widths: &[Bits], least: &[Bits]) -> Option<usize> {
    let elements = |width: usize| {
        let tensors = schedule.tensors.iter().filter(|tensor| tensor.width == width);
        tensors.map(|tensor| tensor.shape.elements()).max()
    };
    let free = (0..widths.len()).filter(|&width| widths[width] > least[width]);
    free.max_by_key(|&width| (widths[width], elements(width)))
}

/// `step` is the step that does not fit even at 2 bits; `None` if each step fits but no plan of all does.
pub(super) fn ram_dead_end(schedule: &Schedule, step: Option<usize>, ram: Ram) -> Infeasible {
    let execution = ram.execution;
    let narrowest = narrowest(schedule);
    // Rows of few bits may be no whole words, which stages need.
    let least = Bits::QUANTISED.map(|bits| execution::least(schedule, &at_most(schedule, bits), execution));
    let least = least.into_iter().min().unwrap_or(u64::MAX);
    let live = execution::live(schedule, &narrowest, execution);
    let (step, needed) = match step {
        // At 2 bits rows may be no whole words, so that a stage needs more bits.
        Some(step) if live[step] > ram.bytes => (step, live[step].min(least)),
        Some(step) => (step, least),
        None => ((0..live.len()).max_by_key(|&step| live[step]).unwrap_or(0), least),
    };
    Infeasible::Ram { node: schedule.steps[step].node, needed, least }
}

fn rule_steps(schedule: &Schedule) -> Vec<Step> {
    let side = |tensor: usize| Side {
        width: schedule.tensors[tensor].width,
        elements: schedule.tensors[tensor].shape.elements() as u64,
    };
    (schedule.steps.iter().enumerate())
        .map(|(now, step)| {
            let largest = step.inputs.iter().copied().max_by_key(|&tensor| {
                (!schedule.fixed[schedule.tensors[tensor].width], side(tensor).elements)
            });
            let input = largest.expect("a step reads something");
            let alive =
                |t: &usize| (schedule.tensors[*t].life.0..=schedule.tensors[*t].life.1).contains(&now);
            let bystanders = (0..schedule.tensors.len()).filter(alive);
            Step {
                input: side(input),
                output: side(step.output),
                bystanders: bystanders.filter(|&t| t != input && t != step.output).map(side).collect(),
            }
        })
        .collect()
}
