//! How a network is executed: which runs of steps in stripes, so that its activations fit the RAM.

use mixq_format::{Bits, Stage};

use super::arena::{ALIGNMENT, Plan};
use super::schedule::Schedule;
use super::sliding::Kept;
use super::stripes::Stripes;
use crate::settings::{Execution, Ram};

/// What each way to execute a part of a network takes of the arena at these widths.
pub(super) struct Ways<'a> {
    /// Bytes that live at each step, if all tensors are whole.
    pub(super) whole: Vec<u64>,
    /// The runs that can be stages, and the bytes that live during each.
    pub(super) stages: Vec<(&'a Stripes, u64)>,
    /// Whether the image must come in rows: the first step then is in a stage that is fed.
    fed: bool,
    /// Where windows of a signal overlap: what each stage that is fed keeps for the next one, in the order of
    /// the stages.
    pub(super) kept: Vec<Kept>,
}

impl<'a> Ways<'a> {
    /// `overlap`: whether the output of a stage may lie over its input.
    fn new(schedule: &'a Schedule, widths: &[Bits], execution: Execution, overlap: bool) -> Ways<'a> {
        let lives = schedule.lives(widths, &[]);
        let whole: Vec<u64> = (0..schedule.steps.len()).map(|step| lives.bytes(step) as u64).collect();
        let fed = execution.is_fed();
        let (first, others): (&[Stripes], &[Stripes]) = match execution {
            Execution::Stripes => (&[], schedule.candidates()),
            Execution::Rows { .. } => (schedule.fed(), schedule.candidates()),
            Execution::Whole => (&[], &[]),
        };
        let others = others.iter().filter(|stripes| !fed || stripes.stage.first > 0);
        let fits = first.iter().chain(others).filter(|stripes| schedule.of_words(stripes, widths));
        let (mut stages, mut kept) = (Vec::new(), Vec::new());
        for stripes in fits {
            let mut lives = schedule.lives(widths, std::slice::from_ref(stripes));
            lives.overlaps.retain(|_| overlap);
            stages.push((stripes, lives.bytes(stripes.stage.range().start) as u64));
            if stripes.stage.hop > 0 {
                kept.push(Kept::new(schedule, &lives, stripes));
            }
        }
        Ways { whole, stages, fed, kept }
    }

    /// The same where some steps are executed in stripes: then others on whole tensors need more, see
    /// [`Schedule::lives`].
    fn beside_stages(mut self, schedule: &Schedule) -> Ways<'a> {
        let needs = |(step, bytes): (usize, &mut u64)| {
            *bytes += if schedule.needs_scratch(step) { Stage::SCRATCH_BYTES as u64 } else { 0 };
        };
        self.whole.iter_mut().enumerate().for_each(needs);
        self
    }

    /// The stages with which no step takes more than `ram` bytes, with the fewest instructions more than
    /// whole tensors take. `None`: there is no such way.
    fn within(&self, ram: u64) -> Option<Vec<Stripes>> {
        let first = |(stripes, live): &&(&Stripes, u64)| stripes.stage.hop > 0 && *live <= ram;
        let sliding = self.stages.iter().filter(first).filter_map(|(stripes, _)| {
            let kept = self.kept(stripes);
            let (extra, rest) =
                self.cheapest_from(stripes.stage.range().end, |step| ram.checked_sub(kept.at(step)))?;
            Some((extra + stripes.extra, [vec![(*stripes).clone()], rest].concat()))
        });
        let best = sliding.min_by_key(|(extra, _)| *extra);
        let alone = || if self.slides() { None } else { self.cheapest_from(0, |_| Some(ram)) };
        Some(best.or_else(alone)?.1)
    }

    /// The same for the steps from `first` on, if each may take what `ram` says: how many instructions more,
    /// and the stages.
    fn cheapest_from(&self, first: usize, ram: impl Fn(usize) -> Option<u64>) -> Option<(u64, Vec<Stripes>)> {
        // By step: what all steps before it take more, and the stage that ends there.
        let mut best: Vec<Option<(u64, Option<&Stripes>)>> = vec![None; self.whole.len() + 1];
        best[first] = Some((0, None));
        for step in first..self.whole.len() {
            let (Some((extra, _)), Some(ram)) = (best[step], ram(step)) else { continue };
            let mut reach = |end: usize, extra: u64, by: Option<&'a Stripes>| {
                if best[end].is_none_or(|(known, _)| extra < known) {
                    best[end] = Some((extra, by));
                }
            };
            if self.whole[step] <= ram && !(self.fed && step == 0) {
                reach(step + 1, extra, None);
            }
            let here =
                |(stripes, live): &&(&'a Stripes, u64)| stripes.stage.range().start == step && *live <= ram;
            for (stripes, _) in self.stages.iter().filter(here) {
                reach(stripes.stage.range().end, extra + stripes.extra, Some(stripes));
            }
        }
        let mut stages = Vec::new();
        let mut end = self.whole.len();
        while end > first {
            let (_, by) = best[end]?;
            end = by.map_or(end - 1, |stripes| stripes.stage.range().start);
            stages.extend(by.cloned());
        }
        stages.reverse();
        Some((best[self.whole.len()]?.0, stages))
    }

    /// Bytes that live at each step, in the way to execute it that takes least.
    fn least(self) -> Vec<u64> {
        let mut least = self.whole.clone();
        for (stripes, live) in &self.stages {
            let steps = &mut least[stripes.stage.range()];
            steps.iter_mut().for_each(|bytes| *bytes = (*live).min(*bytes));
        }
        // Where windows overlap, all steps belong to one first stage.
        let of = |first: &(&Stripes, u64)| self.beside(first, &least);
        let sliding = self.stages.iter().filter(|(stripes, _)| stripes.stage.hop > 0).map(of);
        sliding.min_by_key(|steps| steps.iter().copied().max()).unwrap_or(least)
    }
}

/// The stages and the arena of a network at these widths that fit `ram` bytes, with the fewest instructions
/// more than whole tensors take: none, if these fit and the image need not come in rows. `None`: there is no
/// such way.
pub fn fit(schedule: &Schedule, widths: &[Bits], ram: Ram) -> Option<(Vec<Stripes>, Plan)> {
    if !ram.execution.is_fed() {
        let plan = schedule.plan(widths, &[]);
        if plan.bytes as u64 <= ram.bytes {
            return Some((Vec::new(), plan));
        }
    }
    // A plan may not place all tensors as near as they may lie: then stages that do not need it may fit.
    let fit = |overlap: bool| {
        let ways = Ways::new(schedule, widths, ram.execution, overlap).beside_stages(schedule);
        let mut target = ram.bytes;
        loop {
            let stages = ways.within(target)?;
            let plan = schedule.plan(widths, &stages);
            if plan.bytes as u64 <= ram.bytes {
                return Some((stages, plan));
            }
            // Where branches cross, a plan may need more than what lives at any step: less must live then.
            target = (plan.lower_bound as u64).min(target).checked_sub(ALIGNMENT as u64)?;
        }
    };
    // From the smallest ones on, as `least` goes, which says that there is a way.
    let smallest = |overlap: bool| {
        let found = smallest(schedule, widths, ram.execution, overlap, u64::MAX);
        found.filter(|(_, plan)| plan.bytes as u64 <= ram.bytes)
    };
    fit(true).or_else(|| fit(false)).or_else(|| {
        let is_too_much = live(schedule, widths, ram.execution).into_iter().any(|bytes| bytes > ram.bytes);
        if is_too_much { None } else { smallest(true).or_else(|| smallest(false)) }
    })
}

/// The stages with which a network takes fewest bytes at these widths, of those that keep at most `most`
/// bytes alive; `None`: there are none.
fn smallest(
    schedule: &Schedule,
    widths: &[Bits],
    execution: Execution,
    overlap: bool,
    most: u64,
) -> Option<(Vec<Stripes>, Plan)> {
    let ways = Ways::new(schedule, widths, execution, overlap).beside_stages(schedule);
    let mut sizes = ways.sizes();
    sizes.sort_unstable();
    sizes.dedup();
    let first = sizes.partition_point(|bytes| ways.within(*bytes).is_none());
    let mut least: Option<(Vec<Stripes>, Plan)> = None;
    // The first one is hardly ever not the smallest.
    for bytes in sizes[first..].iter().take(8).take_while(|bytes| **bytes <= most) {
        if least.as_ref().is_some_and(|(_, plan)| plan.bytes as u64 <= *bytes) {
            break;
        }
        let Some(stages) = ways.within(*bytes) else { continue };
        let plan = schedule.plan(widths, &stages);
        if least.as_ref().is_none_or(|(_, least)| plan.bytes < least.bytes) {
            least = Some((stages, plan));
        }
    }
    least
}

/// Bytes of the smallest arena in which a network can be executed at these widths; `u64::MAX`, if its image
/// must come in rows and cannot.
pub fn least(schedule: &Schedule, widths: &[Bits], execution: Execution) -> u64 {
    let whole = match execution {
        Execution::Rows { .. } => u64::MAX,
        Execution::Stripes | Execution::Whole => schedule.plan(widths, &[]).bytes as u64,
    };
    let striped = |overlap: bool| {
        let found = smallest(schedule, widths, execution, overlap, whole.saturating_sub(1));
        found.map_or(u64::MAX, |(_, plan)| plan.bytes as u64)
    };
    whole.min(striped(true)).min(striped(false))
}

/// Bytes of RAM in which no activation has to lose bits: on whole tensors, the least in stripes, and the
/// least if the image comes in rows, which not all can.
pub fn uncut_bytes(schedule: &Schedule) -> (u64, u64, Option<u64>) {
    let widths = schedule.initial_widths();
    let bytes = [Execution::Whole, Execution::Stripes, Execution::ROWS];
    let [whole, stripes, rows] = bytes.map(|execution| least(schedule, &widths, execution));
    (whole, stripes, (rows < u64::MAX).then_some(rows))
}

/// Bytes that live at each step at these widths, in the way to execute it that takes least.
pub fn live(schedule: &Schedule, widths: &[Bits], execution: Execution) -> Vec<u64> {
    Ways::new(schedule, widths, execution, true).least()
}
