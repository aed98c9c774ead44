//! Beyond the paper's rules: the bits that lose least, exactly, given what each width would lose.
//!
//! Flash depends on the bits of weights alone and RAM on those of activations alone, so there are two
//! problems: a multiple-choice knapsack for the weights, and for the activations a choice under one budget at
//! each step, in which only tensors alive at the same time meet. Losses are of any unit in which they add up:
//! the increase of the loss, or a weighted quantisation error. Sensitivities in, bits out: nothing here knows
//! of training.

use std::collections::BTreeMap;

/// One width that a tensor may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Bytes that the tensor then takes.
    pub bytes: u64,
    /// What is lost.
    pub loss: f64,
}

/// For each tensor the index of the candidate to take, so that all together take at most `budget` bytes and
/// lose least; `None` if even the smallest do not fit.
///
/// Exact: keeps every partial choice that no other beats in both bytes and loss.
pub fn choose_weights(tensors: &[Vec<Candidate>], budget: u64) -> Option<Vec<usize>> {
    // The least bytes of the tensors that follow: a partial choice must leave room for them.
    let smallest = |candidates: &Vec<Candidate>| candidates.iter().map(|c| c.bytes).min().unwrap_or(0);
    let mut to_come: u64 = tensors.iter().map(smallest).sum();
    // Bytes, loss, and the choices so far; sorted by bytes, losses falling.
    let mut frontier: Vec<(u64, f64, Vec<usize>)> = vec![(0, 0.0, Vec::new())];
    for candidates in tensors {
        to_come -= smallest(candidates);
        let mut longer: Vec<_> = (frontier.iter())
            .flat_map(|(bytes, loss, choices)| {
                candidates.iter().enumerate().map(move |(index, candidate)| {
                    let choices: Vec<usize> = choices.iter().copied().chain([index]).collect();
                    (bytes + candidate.bytes, loss + candidate.loss, choices)
                })
            })
            .filter(|(bytes, _, _)| bytes + to_come <= budget)
            .collect();
        longer.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut least = f64::INFINITY;
        longer.retain(|(_, loss, _)| {
            let better = *loss < least;
            least = least.min(*loss);
            better
        });
        frontier = longer;
    }
    // The last of the frontier takes most and loses least.
    frontier.pop().map(|(_, _, choices)| choices)
}

/// A tensor that is alive at a step: which, and the bytes of each of its candidates there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alive {
    /// Index of the tensor's width: tensors that must share a width share the index.
    pub width: usize,
    /// Bytes with each candidate.
    pub bytes: Vec<u64>,
}

/// For each width the index of the candidate to take, so that at every step the tensors alive take at most
/// `budget` bytes, and all widths together lose least; `None` if no choice fits. `losses[width][candidate]`.
///
/// Exact: goes through the steps and keeps, for each choice for the tensors that live on, the best of what
/// came before.
pub fn choose_activations(steps: &[Vec<Alive>], losses: &[Vec<f64>], budget: u64) -> Option<Vec<usize>> {
    let last_step = |width: usize| steps.iter().rposition(|alive| alive.iter().any(|a| a.width == width));
    // By the choices for the widths that are still alive: the least loss, and all choices.
    type Partial = (f64, BTreeMap<usize, usize>);
    let mut states: BTreeMap<Vec<(usize, usize)>, Partial> =
        BTreeMap::from([(Vec::new(), (0.0, BTreeMap::new()))]);
    for (now, alive) in steps.iter().enumerate() {
        let mut partials: Vec<Partial> = states.into_values().collect();
        for Alive { width, .. } in alive {
            partials = (partials.into_iter())
                .flat_map(|(loss, choices)| {
                    let options = match choices.get(width) {
                        Some(&chosen) => vec![(chosen, 0.0)],
                        None => losses[*width].iter().copied().enumerate().collect(),
                    };
                    options.into_iter().map(move |(candidate, more)| {
                        let mut choices = choices.clone();
                        choices.insert(*width, candidate);
                        (loss + more, choices)
                    })
                })
                .collect();
        }
        let bytes = |choices: &BTreeMap<usize, usize>| -> u64 {
            alive.iter().map(|alive| alive.bytes[choices[&alive.width]]).sum()
        };
        partials.retain(|(_, choices)| bytes(choices) <= budget);
        states = BTreeMap::new();
        for (loss, choices) in partials {
            let living =
                choices.iter().filter(|(width, _)| last_step(**width).is_some_and(|last| last > now));
            let key: Vec<(usize, usize)> = living.map(|(width, candidate)| (*width, *candidate)).collect();
            if states.get(&key).is_none_or(|(best, _)| loss < *best) {
                states.insert(key, (loss, choices));
            }
        }
    }
    let best = states.into_values().min_by(|a, b| a.0.total_cmp(&b.0));
    let choices = best?.1;
    // A width that no step meets is free: it takes what loses least.
    let least = |losses: &Vec<f64>| (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b]));
    (0..losses.len()).map(|width| choices.get(&width).copied().or_else(|| least(&losses[width]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All choices of one candidate for each of `counts`.
    fn every_choice(counts: &[usize]) -> Vec<Vec<usize>> {
        counts.iter().fold(vec![Vec::new()], |choices, &count| {
            let extend = |choice: Vec<usize>| {
                (0..count).map(move |next| choice.iter().copied().chain([next]).collect::<Vec<_>>())
            };
            choices.into_iter().flat_map(extend).collect()
        })
    }

    fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
        // Whole losses add up exactly in any order.
        let candidate =
            (0u64..40, 0u32..30).prop_map(|(bytes, loss)| Candidate { bytes, loss: f64::from(loss) });
        prop::collection::vec(candidate, 1..4)
    }

    proptest! {
        #[test]
        fn weights_are_as_good_as_the_best_of_all_choices(
            tensors in prop::collection::vec(candidates(), 1..7),
            budget in 0u64..200,
        ) {
            let counts: Vec<usize> = tensors.iter().map(Vec::len).collect();
            let sum = |choice: &[usize]| {
                let chosen = choice.iter().zip(&tensors).map(|(&index, tensor)| tensor[index]);
                chosen.fold((0, 0.0), |(bytes, loss), c| (bytes + c.bytes, loss + c.loss))
            };
            let sums = every_choice(&counts).into_iter().map(|choice| sum(&choice));
            let fitting = sums.filter(|(bytes, _)| *bytes <= budget);
            let best = fitting.map(|(_, loss)| loss).min_by(f64::total_cmp);
            let chosen = choose_weights(&tensors, budget).map(|choice| sum(&choice));
            prop_assert_eq!(chosen.map(|(_, loss)| loss), best);
            prop_assert!(chosen.is_none_or(|(bytes, _)| bytes <= budget));
        }

        #[test]
        fn activations_are_as_good_as_the_best_of_all_choices(
            losses in prop::collection::vec(prop::collection::vec((0u32..30).prop_map(f64::from), 3), 2..6),
            pattern in prop::collection::vec(prop::collection::vec((0usize..6, 1u64..20), 1..4), 1..6),
            budget in 0u64..200,
        ) {
            let steps: Vec<Vec<Alive>> = pattern.iter().map(|step| {
                let alive = step.iter().map(|(width, unit)| {
                    Alive { width: width % losses.len(), bytes: vec![unit * 2, unit * 4, unit * 8] }
                });
                alive.collect()
            }).collect();
            let fits = |choice: &[usize]| steps.iter().all(|alive| {
                alive.iter().map(|a| a.bytes[choice[a.width]]).sum::<u64>() <= budget
            });
            let loss = |choice: &[usize]| -> f64 { choice.iter().zip(&losses).map(|(&c, l)| l[c]).sum() };
            let all = every_choice(&vec![3; losses.len()]);
            let fitting = all.iter().filter(|choice| fits(choice));
            let best = fitting.map(|choice| loss(choice)).min_by(f64::total_cmp);
            let chosen = choose_activations(&steps, &losses, budget);
            prop_assert_eq!(chosen.as_deref().map(loss), best);
            prop_assert!(chosen.is_none_or(|choice| fits(&choice)));
        }
    }
}
