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

#[cfg(test)]
mod tests {
    use super::*;

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
