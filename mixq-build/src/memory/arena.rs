//! The arena: where each activation lies, at build time.

/// A tensor to place: its bytes and the steps during which it lives, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Bytes that it takes.
    pub bytes: usize,
    /// The step that writes it (0 for the image, which is there before the first step).
    pub first: usize,
    /// The last step that reads it.
    pub last: usize,
}

/// Offsets of all tensors and the bytes of the arena that holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Byte offset of each tensor, a multiple of [`ALIGNMENT`].
    pub offsets: Vec<usize>,
    /// Bytes of the arena, a multiple of [`ALIGNMENT`].
    pub bytes: usize,
    /// The largest sum of living bytes of any step: no plan is smaller.
    pub lower_bound: usize,
    /// Byte offset of the state of each stage.
    pub states: Vec<usize>,
}

/// Every tensor starts on a word: kernels read activations a word at a time.
pub const ALIGNMENT: usize = 4;

impl Lifetime {
    fn meets(&self, other: &Lifetime) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    fn aligned(&self) -> usize {
        self.bytes.next_multiple_of(ALIGNMENT)
    }
}

/// Bytes that live during `step`, with alignment.
pub fn live_bytes(tensors: &[Lifetime], step: usize) -> usize {
    let alive = tensors.iter().filter(|tensor| (tensor.first..=tensor.last).contains(&step));
    alive.map(Lifetime::aligned).sum()
}

/// Places tensors so that no two that live at the same time overlap.
///
/// First fit in several orders (by size, by life, by time), the best of which is improved by swaps. A chain
/// always reaches the lower bound: there, tensors alternate between the two ends of the arena.
pub fn plan(tensors: &[Lifetime]) -> Plan {
    let steps = tensors.iter().map(|tensor| tensor.last + 1).max().unwrap_or(0);
    let lower_bound = (0..steps).map(|step| live_bytes(tensors, step)).max().unwrap_or(0);
    if let Some(offsets) = two_ends(tensors, lower_bound) {
        return Plan { offsets, bytes: lower_bound, lower_bound, states: Vec::new() };
    }
    let mut orders: Vec<Vec<usize>> = vec![(0..tensors.len()).collect(); 5];
    orders[0].sort_by_key(|&i| std::cmp::Reverse(tensors[i].bytes));
    orders[1].sort_by_key(|&i| (std::cmp::Reverse(tensors[i].last - tensors[i].first), tensors[i].first));
    orders[2].sort_by_key(|&i| (tensors[i].first, std::cmp::Reverse(tensors[i].bytes)));
    orders[3].sort_by_key(|&i| std::cmp::Reverse(tensors[i].last));
    let area = |i: usize| tensors[i].bytes * (1 + tensors[i].last - tensors[i].first);
    orders[4].sort_by_key(|&i| std::cmp::Reverse(area(i)));
    let mut best: Option<(usize, Vec<usize>)> = None;
    for order in orders {
        let found = improve(tensors, order, lower_bound);
        if best.as_ref().is_none_or(|(bytes, _)| found.0 < *bytes) {
            best = Some(found);
        }
        if best.as_ref().is_some_and(|(bytes, _)| *bytes == lower_bound) {
            break;
        }
    }
    let (bytes, offsets) = best.unwrap_or_default();
    Plan { offsets, bytes, lower_bound, states: Vec::new() }
}

/// First fit in this order, with every swap of two tensors in it that makes the arena smaller.
fn improve(tensors: &[Lifetime], mut order: Vec<usize>, lower_bound: usize) -> (usize, Vec<usize>) {
    let mut best = first_fit(tensors, &order);
    let mut swaps = (0..order.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
    while best.0 > lower_bound
        && let Some((a, b)) = swaps.next()
    {
        order.swap(a, b);
        let fitted = first_fit(tensors, &order);
        // Also as large an arena: from there another swap may make it smaller.
        if fitted.0 <= best.0 {
            best = fitted;
        } else {
            order.swap(a, b);
        }
    }
    best
}

fn first_fit(tensors: &[Lifetime], order: &[usize]) -> (usize, Vec<usize>) {
    let mut offsets = vec![0; tensors.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut arena = 0;
    for &index in order {
        let mut neighbours: Vec<usize> =
            placed.iter().copied().filter(|&other| tensors[other].meets(&tensors[index])).collect();
        neighbours.sort_by_key(|&other| offsets[other]);
        let mut offset = 0;
        for other in neighbours {
            if offset + tensors[index].aligned() <= offsets[other] {
                break;
            }
            offset = offset.max(offsets[other] + tensors[other].aligned());
        }
        offsets[index] = offset;
        arena = arena.max(offset + tensors[index].aligned());
        placed.push(index);
    }
    (arena, offsets)
}

/// Alternates between bottom and top of an arena of the least size: right for every chain.
fn two_ends(tensors: &[Lifetime], arena: usize) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by_key(|&i| tensors[i].first);
    let mut offsets = vec![0; tensors.len()];
    for (turn, &index) in order.iter().enumerate() {
        offsets[index] = if turn % 2 == 0 { 0 } else { arena - tensors[index].aligned() };
        let end = offsets[index] + tensors[index].aligned();
        let clash = order[..turn].iter().any(|&other| {
            let overlap = offsets[other] < end && offsets[index] < offsets[other] + tensors[other].aligned();
            overlap && tensors[other].meets(&tensors[index])
        });
        if clash {
            return None;
        }
    }
    Some(offsets)
}
