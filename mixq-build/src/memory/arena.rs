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

/// Two tensors of which one may lie over the other in part: a stage writes rows of its output where no row of
/// its input lies that it still needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The tensor that is read.
    pub input: usize,
    /// The tensor that is written.
    pub output: usize,
    /// Bytes from the start of the output to the start of the input, at least, if rows go from the first to
    /// the last.
    pub forwards: usize,
    /// Bytes from the start of the input to the start of the output, at least, if rows go from the last to
    /// the first; `None`, if they cannot.
    pub backwards: Option<usize>,
}

/// All tensors to place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lives {
    /// Their bytes, and when they live.
    pub places: Vec<Lifetime>,
    /// Which of them may lie over one another: all others may not.
    pub overlaps: Vec<Overlap>,
}

impl From<Vec<Lifetime>> for Lives {
    fn from(places: Vec<Lifetime>) -> Lives {
        Lives { places, overlaps: Vec::new() }
    }
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

impl Overlap {
    /// Bytes that both tensors take together, at least.
    fn span(&self, places: &[Lifetime]) -> usize {
        let [input, output] = [self.input, self.output].map(|index| places[index].aligned());
        let forwards = (self.forwards + input).max(output);
        let backwards = self.backwards.map(|distance| (distance + output).max(input));
        forwards.min(backwards.unwrap_or(forwards)).min(input + output)
    }
}

impl Lives {
    /// Bytes that live during `step`, with alignment.
    pub fn bytes(&self, step: usize) -> usize {
        let lives = |place: &&Lifetime| (place.first..=place.last).contains(&step);
        let alive: usize = self.places.iter().filter(lives).map(Lifetime::aligned).sum();
        let both = |overlap: &&Overlap| {
            [overlap.input, overlap.output].iter().all(|index| lives(&&self.places[*index]))
        };
        let saved = self.overlaps.iter().filter(both);
        let saved = saved.map(|overlap| self.places[overlap.output].aligned() - self.added(overlap));
        alive - saved.sum::<usize>()
    }

    /// Bytes that the output of an overlap takes beside the input, at least.
    pub fn added(&self, overlap: &Overlap) -> usize {
        overlap.span(&self.places) - self.places[overlap.input].aligned()
    }

    /// Steps until the last one at which something lives.
    fn steps(&self) -> usize {
        self.places.iter().map(|place| place.last + 1).max().unwrap_or(0)
    }

    /// Bytes from the start of one place to the start of another one that lies behind it, at least.
    fn distance(&self, first: usize, second: usize) -> usize {
        let apart = self.places[first].aligned();
        let of_overlap = |overlap: &Overlap| {
            if (overlap.output, overlap.input) == (first, second) {
                return Some(overlap.forwards);
            }
            if (overlap.input, overlap.output) == (first, second) {
                return overlap.backwards;
            }
            None
        };
        self.overlaps.iter().find_map(of_overlap).map_or(apart, |distance| distance.min(apart))
    }

    /// Whether two places that live at the same time are as far apart as they must be.
    fn are_apart(&self, offsets: &[usize], a: usize, b: usize) -> bool {
        let (first, second) = if offsets[a] <= offsets[b] { (a, b) } else { (b, a) };
        let is_empty = |index: usize| self.places[index].bytes == 0;
        let apart = offsets[second] - offsets[first] >= self.distance(first, second);
        apart || is_empty(a) || is_empty(b) || !self.places[a].meets(&self.places[b])
    }
}

/// Places tensors so that no two that live at the same time overlap more than they may.
///
/// First fit in several orders (by size, by life, by time), the best of which is improved by swaps. A chain
/// always reaches the lower bound: there, tensors alternate between the two ends of the arena.
pub fn plan(lives: &Lives) -> Plan {
    let tensors = &lives.places;
    let lower_bound = (0..lives.steps()).map(|step| lives.bytes(step)).max().unwrap_or(0);
    if let Some(offsets) = two_ends(lives, lower_bound) {
        return Plan { offsets, bytes: lower_bound, lower_bound, states: Vec::new() };
    }
    let neighbours = Neighbours::new(lives);
    let mut orders: Vec<Vec<usize>> = vec![(0..tensors.len()).collect(); 6];
    orders[0].sort_by_key(|&i| std::cmp::Reverse(tensors[i].bytes));
    orders[1].sort_by_key(|&i| (std::cmp::Reverse(tensors[i].last - tensors[i].first), tensors[i].first));
    orders[2].sort_by_key(|&i| (tensors[i].first, std::cmp::Reverse(tensors[i].bytes)));
    orders[3].sort_by_key(|&i| std::cmp::Reverse(tensors[i].last));
    let area = |i: usize| tensors[i].bytes * (1 + tensors[i].last - tensors[i].first);
    orders[4].sort_by_key(|&i| std::cmp::Reverse(area(i)));
    // What is written behind what is read: then the output of a stage lies before its input.
    orders[5].sort_by_key(|&i| std::cmp::Reverse((tensors[i].last, tensors[i].bytes)));
    let everything = neighbours.bytes.iter().sum();
    let fitted = |order: Vec<usize>| Some((first_fit(&neighbours, &order, everything)?, order));
    let mut found: Vec<_> = orders.into_iter().filter_map(fitted).collect();
    found.sort_by_key(|((bytes, _), _)| *bytes);
    let mut best: Option<(usize, Vec<usize>)> = None;
    // What begins worse hardly ever ends better.
    for (fitted, order) in found.into_iter().take(3) {
        let improved = improve(&neighbours, order, fitted, lower_bound);
        if best.as_ref().is_none_or(|(bytes, _)| improved.0 < *bytes) {
            best = Some(improved);
        }
        if best.as_ref().is_some_and(|(bytes, _)| *bytes == lower_bound) {
            break;
        }
    }
    let (bytes, offsets) = best.unwrap_or_default();
    Plan { offsets, bytes, lower_bound, states: Vec::new() }
}

/// Which tensors live at the same time.
struct Neighbours {
    /// By tensor: its bytes, with alignment.
    bytes: Vec<usize>,
    /// By tensor: others that live at the same time; bytes from its start to theirs at least, if they lie
    /// behind it, and from their start to its own, if they lie before it.
    beside: Vec<Vec<(usize, [usize; 2])>>,
}

impl Neighbours {
    fn new(lives: &Lives) -> Neighbours {
        let places = &lives.places;
        let of = |index: usize| {
            let meets = |other: &usize| *other != index && places[*other].meets(&places[index]);
            let others = (0..places.len()).filter(meets);
            others
                .map(|other| (other, [lives.distance(index, other), lives.distance(other, index)]))
                .collect()
        };
        Neighbours {
            bytes: places.iter().map(Lifetime::aligned).collect(),
            beside: (0..places.len()).map(of).collect(),
        }
    }
}

/// First fit in this order, which gave `best`, with every swap of two tensors in it that makes the arena
/// smaller.
fn improve(
    neighbours: &Neighbours,
    mut order: Vec<usize>,
    mut best: (usize, Vec<usize>),
    lower_bound: usize,
) -> (usize, Vec<usize>) {
    let mut swaps = (0..order.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
    while best.0 > lower_bound
        && let Some((a, b)) = swaps.next()
    {
        order.swap(a, b);
        // Also as large an arena: from there another swap may make it smaller.
        match first_fit(neighbours, &order, best.0) {
            Some(fitted) => best = fitted,
            None => order.swap(a, b),
        }
    }
    best
}

/// The arena if tensors are placed in this order, each at the first place where it fits; `None`, if it has
/// more than `most` bytes.
fn first_fit(neighbours: &Neighbours, order: &[usize], most: usize) -> Option<(usize, Vec<usize>)> {
    let mut offsets = vec![usize::MAX; order.len()];
    let (mut arena, mut taken) = (0, Vec::new());
    for &index in order {
        // From which offset on the tensor would lie over each neighbour, and up to which.
        taken.clear();
        for &(other, [before, behind]) in &neighbours.beside[index] {
            let start = offsets[other];
            if start != usize::MAX {
                taken.push(((start + 1).saturating_sub(before), start + behind));
            }
        }
        taken.sort_unstable();
        let mut offset = 0;
        for &(from, until) in &taken {
            if offset < from {
                break;
            }
            offset = offset.max(until);
        }
        offsets[index] = offset;
        arena = arena.max(offset + neighbours.bytes[index]);
        if arena > most {
            return None;
        }
    }
    Some((arena, offsets))
}

/// Alternates between bottom and top of an arena of the least size: right for every chain.
fn two_ends(lives: &Lives, arena: usize) -> Option<Vec<usize>> {
    let tensors = &lives.places;
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by_key(|&i| tensors[i].first);
    let mut offsets = vec![0; tensors.len()];
    for (turn, &index) in order.iter().enumerate() {
        offsets[index] = if turn % 2 == 0 { 0 } else { arena.checked_sub(tensors[index].aligned())? };
        if order[..turn].iter().any(|&other| !lives.are_apart(&offsets, index, other)) {
            return None;
        }
    }
    Some(offsets)
}
