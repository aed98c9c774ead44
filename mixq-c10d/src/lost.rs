//! Who is missing when a call has failed. gloo names an address at most; the store knows signs of life.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::beat::{SILENCE, left, life};
use crate::error::{Error, first_line, ranks};
use crate::options::Options;
use crate::raw::Store;
use crate::watch::within;

/// Between two looks at the store, for up to 8 ranks: all look at all.
const PAUSE: Duration = Duration::from_millis(50);

/// How a rank is after a call has failed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// No sign of life.
    Silent,
    /// Signs of life, but no failed call: it waits or computes.
    Busy,
    /// It has left the group before.
    Left,
    /// Its call has failed, too: the time was over, or not.
    Failed { waited: bool },
}

fn failed(rank: usize) -> String {
    format!("failed/{rank}")
}

fn read(rank: usize) -> String {
    format!("read/{rank}")
}

/// What to say after a call has failed with a text of c10d; `waited` if its time was over. Connections must
/// be closed before: that ends the calls of all others.
pub(crate) fn explain(store: &Arc<Store>, options: &Options, text: &str, waited: bool) -> Error {
    match look(store, options, waited) {
        Ok(states) => say(&states, options.rank, options.collectives, text),
        Err(error) => error,
    }
}

/// Who has ended, if that is why processes cannot connect.
pub(crate) fn ended(store: &Arc<Store>, options: &Options) -> Option<Error> {
    match look(store, options, false) {
        Ok(states) if states.iter().any(|state| matches!(state, State::Silent | State::Left)) => {
            Some(say(&states, options.rank, options.joining, ""))
        }
        Ok(_) => None,
        Err(error) => Some(error),
    }
}

/// How all ranks are.
///
/// # Errors
/// The store is gone.
fn look(store: &Arc<Store>, options: &Options, waited: bool) -> Result<Vec<State>, Error> {
    let (own, rank, size) = (Arc::clone(store), options.rank, options.size);
    let serves = rank == 0 && !options.agent;
    let answer = within(2 * SILENCE + Duration::from_secs(2), move || ask(&own, rank, size, waited, serves));
    if let Some(Ok(states)) = answer {
        return Ok(states);
    }
    let server = options.server();
    let what = if answer.is_some() { "has ended or cannot be reached" } else { "does not answer" };
    Err(Error::new(format!("{server} {what}")).with_help(RESTART))
}

const RESTART: &str = "look at what it said last, and start all processes again";

/// Looks until it is known how all ranks are: their connections fail one after another.
fn ask(store: &Store, rank: usize, size: usize, waited: bool, serves: bool) -> Result<Vec<State>, String> {
    store.set(&failed(rank), if waited { b"waited" } else { b"" })?;
    let number = |rank: usize| store.add(&life(rank), 0);
    let before = (0..size).map(number).collect::<Result<Vec<i64>, String>>()?;
    let mut states = vec![State::Silent; size];
    states[rank] = State::Failed { waited };
    let pause = PAUSE * u32::try_from(size.div_ceil(8)).unwrap_or(1);
    let end = Instant::now() + SILENCE;
    loop {
        for other in 0..size {
            if matches!(states[other], State::Failed { .. }) {
                continue;
            }
            if store.has(&failed(other))? {
                let waited = !store.get(&failed(other), SILENCE)?.is_empty();
                states[other] = State::Failed { waited };
            } else if store.has(&left(other))? {
                states[other] = State::Left;
            } else if states[other] == State::Silent && number(other)? > before[other] {
                states[other] = State::Busy;
            }
        }
        let known = |state: &State| matches!(state, State::Failed { .. } | State::Left);
        if states.iter().all(known) || Instant::now() >= end {
            break;
        }
        thread::sleep(pause);
    }
    store.set(&read(rank), b"")?;
    if serves {
        let waits = |other: &usize| matches!(states[*other], State::Failed { .. });
        let mut others: Vec<usize> = (1..size).filter(waits).collect();
        let end = Instant::now() + SILENCE;
        while !others.is_empty() && Instant::now() < end {
            others.retain(|other| !store.has(&read(*other)).unwrap_or(true));
            thread::sleep(pause);
        }
    }
    Ok(states)
}

fn say(states: &[State], rank: usize, limit: Duration, text: &str) -> Error {
    let are =
        |wanted: State| -> Vec<usize> { (0..states.len()).filter(|rank| states[*rank] == wanted).collect() };
    let have = |ranks: &[usize]| if ranks.len() == 1 { "has" } else { "have" };
    let silent = are(State::Silent);
    if !silent.is_empty() {
        let message = format!("{} {} ended or cannot be reached", ranks(&silent), have(&silent));
        return Error::new(message).with_help(RESTART);
    }
    let left = are(State::Left);
    if !left.is_empty() {
        let message = format!("{} {} left the group", ranks(&left), have(&left));
        return Error::new(message).with_help(RESTART);
    }
    let busy = are(State::Busy);
    let waited = !are(State::Failed { waited: true }).is_empty();
    let seconds = limit.as_secs_f64();
    if waited && !busy.is_empty() {
        let message = format!("{} did not take part in a call within {seconds:.0} s", ranks(&busy));
        let help = "it lives, but hangs, or needs longer for its own work than others wait for it";
        return Error::new(message).with_help(help);
    }
    let reason = if waited { format!("nothing moved for {seconds:.0} s") } else { first_line(text) };
    let message = format!("rank {rank} has lost its connections, though all ranks live ({reason})");
    Error::new(message).with_help("look at the network between the machines, and start all processes again")
}

/// Looks from time to time whether all other ranks take part, for calls that do not fail where another
/// process ends.
pub(crate) struct Watch {
    /// By rank: its last sign of life, and when that was new.
    seen: Vec<(i64, Instant)>,
}

impl Watch {
    pub(crate) fn new(size: usize) -> Watch {
        Watch { seen: vec![(-1, Instant::now()); size] }
    }

    /// Whether a rank has ended, has left or has failed, or the store is gone.
    pub(crate) fn misses(&mut self, store: &Arc<Store>, own: usize) -> bool {
        let (asked, size) = (Arc::clone(store), self.seen.len());
        let ask = move || -> Result<Option<Vec<i64>>, String> {
            for other in (0..size).filter(|other| *other != own) {
                if asked.has(&failed(other))? || asked.has(&left(other))? {
                    return Ok(None);
                }
            }
            (0..size).map(|rank| asked.add(&life(rank), 0)).collect::<Result<_, _>>().map(Some)
        };
        let Some(Ok(Some(signs))) = within(2 * SILENCE, ask) else { return true };
        let now = Instant::now();
        for (seen, sign) in self.seen.iter_mut().zip(signs) {
            if seen.0 != sign {
                *seen = (sign, now);
            }
        }
        let others = self.seen.iter().enumerate().filter(|(rank, _)| *rank != own);
        others.into_iter().any(|(_, (_, since))| now - *since >= SILENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store of this process, with a rank that is this process and others that are written by hand.
    #[test]
    fn a_rank_without_signs_of_life_is_missed() {
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let limit = Duration::from_secs(20);
        let store = Arc::new(Store::open("127.0.0.1", free, true, "test", limit).unwrap());
        let lives = |rank: usize| store.add(&life(rank), 1).unwrap();
        let mut watch = Watch::new(3);
        let start = Instant::now();
        while start.elapsed() < SILENCE + Duration::from_millis(500) {
            lives(1);
            lives(2);
            assert!(!watch.misses(&store, 0));
            thread::sleep(Duration::from_millis(100));
        }
        // Rank 2 ends.
        let start = Instant::now();
        loop {
            lives(1);
            if watch.misses(&store, 0) {
                break;
            }
            assert!(start.elapsed() < 2 * SILENCE);
            thread::sleep(Duration::from_millis(100));
        }
        assert!(start.elapsed() > SILENCE / 2);
        // It is the other ranks that are missed.
        assert!(!Watch::new(3).misses(&store, 0));
        store.set(&left(1), b"").unwrap();
        assert!(Watch::new(3).misses(&store, 0));
        assert!(!Watch::new(3).misses(&store, 1));
        store.set(&failed(2), b"").unwrap();
        assert!(Watch::new(3).misses(&store, 1));
    }

    fn said(states: &[State]) -> String {
        say(states, 0, Duration::from_secs(8), "Connection closed by peer. GLHF!").message().to_string()
    }

    #[test]
    fn those_are_named_who_are_missing() {
        use State::{Busy, Failed, Left, Silent};
        let [reset, waited] = [false, true].map(|waited| Failed { waited });
        assert_eq!(said(&[reset, Silent, reset]), "rank 1 has ended or cannot be reached");
        assert_eq!(said(&[reset, Silent, Silent, Busy]), "ranks 1 and 2 have ended or cannot be reached");
        assert_eq!(said(&[reset, Left, Busy]), "rank 1 has left the group");
        assert_eq!(said(&[waited, Busy, reset]), "rank 1 did not take part in a call within 8 s");
        assert_eq!(said(&[reset, Busy, waited]), "rank 1 did not take part in a call within 8 s");
        let all = "rank 0 has lost its connections, though all ranks live";
        assert_eq!(said(&[reset, reset]), format!("{all} (Connection closed by peer)"));
        assert_eq!(said(&[reset, waited]), format!("{all} (nothing moved for 8 s)"));
    }
}
