//! How processes get to know each other, in the store that rank 0, or torchrun's agent, serves.
//!
//! Each process sets `hello/RANK`: what it must have in common with the others, and its address. Rank 0 waits
//! for all of them and sets `verdict`. Only then are connections made from each to all others: processes that
//! do not fit together never talk by gloo, whose errors are hard to understand.

use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::contract::Contract;
use crate::error::{Error, Result, first_line, ranks};
use crate::options::Options;
use crate::pack;
use crate::raw::Store;
use crate::watch::within;

/// How much later than the time for joining an answer may come: not all processes start at once.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Between two looks at the store.
const PAUSE: Duration = Duration::from_millis(30);

/// What a process says of itself.
#[derive(Debug, PartialEq)]
pub(crate) struct Hello {
    contract: Contract,
    /// Where others reach it; `None` if its interface was chosen by hand.
    address: Option<IpAddr>,
}

impl Hello {
    /// `address` is where this machine reaches the store from.
    pub(crate) fn new(options: &Options, contract: &Contract, address: IpAddr) -> Hello {
        let contract = with_size(&options.size.to_string(), contract);
        Hello { contract, address: options.interface.is_none().then_some(address) }
    }

    fn encode(&self) -> Vec<u8> {
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        pack::bytes(&[self.contract.encode(), address.into_bytes()])
    }

    fn decode(bytes: &[u8]) -> Option<Hello> {
        let parts = pack::split(bytes)?;
        let [contract, address] = parts.as_slice() else { return None };
        let address = std::str::from_utf8(address).ok()?.parse().ok();
        Some(Hello { contract: Contract::decode(contract)?, address })
    }
}

/// All processes must have been told the same number of them.
fn with_size(size: &str, contract: &Contract) -> Contract {
    Contract::new().must("WORLD_SIZE", size).and(contract)
}

/// Says that this process is there.
///
/// # Errors
/// Another process is this rank; the store is gone.
pub(crate) fn introduce(store: &Arc<Store>, options: &Options, hello: Hello) -> Result<()> {
    let limit = options.joining.max(GRACE);
    watched(store, options, limit, move |store, options| present(store, options, &hello))
}

fn present(store: &Store, options: &Options, hello: &Hello) -> Result<()> {
    let rank = options.rank;
    let present = store.add(&format!("present/{rank}"), 1).map_err(|text| lost(options, &text))?;
    if present > 1 {
        let message = format!("two processes say that they are rank {rank}");
        // All others end, too: one of them is missing.
        let _ = store.set("refused", message.as_bytes());
        return Err(doubled(&message));
    }
    store.set(&format!("hello/{rank}"), &hello.encode()).map_err(|text| lost(options, &text))
}

fn doubled(message: &str) -> Error {
    Error::new(message).with_help("give each process its own RANK, 0 to WORLD_SIZE - 1")
}

/// The warnings about values that differ. Rank 0 finds them when all are there or the time is over, and tells
/// all others; `left` is what is left of its time.
///
/// # Errors
/// Ranks have not come; what they must have in common differs; the store is gone.
pub(crate) fn verdict(store: &Arc<Store>, options: &Options, left: Duration) -> Result<Vec<String>> {
    watched(store, options, options.joining + 2 * GRACE, move |store, options| match options.rank {
        0 => judge(store, options, left),
        _ => listen(store, options),
    })
}

/// A store that hangs answers never.
fn watched<T: Send + 'static>(
    store: &Arc<Store>,
    options: &Options,
    limit: Duration,
    call: impl FnOnce(&Store, &Options) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (own, same) = (Arc::clone(store), options.clone());
    within(limit, move || call(&own, &same)).unwrap_or_else(|| {
        let Options { host, port, .. } = options;
        let message = format!("{} at {host}:{port} does not answer", options.server());
        Err(Error::new(message).with_help("look at what it said last"))
    })
}

fn judge(store: &Store, options: &Options, limit: Duration) -> Result<Vec<String>> {
    let found = gather(store, options, limit).and_then(|hellos| compare(&hellos));
    let mut said = vec![options.size.to_string()];
    match &found {
        Ok(warnings) => said.extend([vec![String::new(); 2], warnings.clone()].concat()),
        Err(error) => said.extend([error.message(), error.help().unwrap_or_default()].map(String::from)),
    }
    store.set("verdict", &pack::texts(&said)).map_err(|text| lost(options, &text))?;
    if found.is_err() {
        // Who serves the store stays until those who are there have read it.
        let there = (1..options.size).filter(|rank| store.has(&hello(*rank)).unwrap_or(false)).count();
        let end = Instant::now() + Duration::from_secs(3);
        while store.add("read", 0).is_ok_and(|read| read < there as i64) && Instant::now() < end {
            thread::sleep(PAUSE);
        }
    }
    found
}

fn hello(rank: usize) -> String {
    format!("hello/{rank}")
}

/// What all ranks say of themselves.
fn gather(store: &Store, options: &Options, limit: Duration) -> Result<Vec<Hello>> {
    let start = Instant::now();
    let lost = |text: String| lost(options, &text);
    let mut next = 0;
    while next < options.size {
        if store.has("refused").map_err(lost)? {
            let said = store.get("refused", GRACE).map_err(lost)?;
            return Err(doubled(&String::from_utf8_lossy(&said)));
        }
        if store.has(&hello(next)).map_err(lost)? {
            next += 1;
        } else if start.elapsed() >= limit {
            return Err(missing(store, options));
        } else {
            thread::sleep(PAUSE);
        }
    }
    let read = |rank: usize| {
        let bytes = store.get(&hello(rank), GRACE).map_err(lost)?;
        let other = || Error::new(format!("rank {rank} is not a mixq of this version"));
        Hello::decode(&bytes).ok_or_else(other)
    };
    (0..options.size).map(read).collect()
}

fn missing(store: &Store, options: &Options) -> Error {
    let absent = |rank: &usize| !store.has(&hello(*rank)).unwrap_or(false);
    let mut absent: Vec<usize> = (0..options.size).filter(absent).collect();
    if absent.is_empty() {
        // All are there, but rank 0 has said nothing.
        absent.push(0);
    }
    let (verb, seconds) = (if absent.len() == 1 { "has" } else { "have" }, options.joining.as_secs_f64());
    let message = format!("{} {verb} not come within {seconds:.0} s", ranks(&absent));
    Error::new(message).with_help(format!("start all {} processes at about the same time", options.size))
}

fn compare(hellos: &[Hello]) -> Result<Vec<String>> {
    let contracts: Vec<Contract> = hellos.iter().map(|hello| hello.contract.clone()).collect();
    let warnings = Contract::compare(&contracts)?;
    let address = |rank: &usize| hellos[*rank].address;
    let own = |rank: &usize| address(rank).is_some_and(|address| address.is_loopback());
    let (own, other): (Vec<usize>, Vec<usize>) =
        (0..hellos.len()).filter(|rank| address(rank).is_some()).partition(own);
    let (Some(first), false) = (own.first().and_then(address), other.is_empty()) else { return Ok(warnings) };
    let message = format!("{} would wait at {first}, which no other machine can reach", ranks(&own));
    let help = "set MASTER_ADDR to an address of rank 0's machine, not to a name that means the machine \
                itself; or name the network interface in GLOO_SOCKET_IFNAME";
    Err(Error::new(message).with_help(help))
}

/// What rank 0 has found.
fn listen(store: &Store, options: &Options) -> Result<Vec<String>> {
    let bytes = match store.get("verdict", options.joining + GRACE) {
        Ok(bytes) => bytes,
        // The store still answers: only rank 0 is not there, or not in time.
        Err(_) if store.has("verdict").is_ok() => return Err(missing(store, options)),
        Err(text) => return Err(lost(options, &text)),
    };
    let _ = store.add("read", 1);
    let said = pack::split_texts(&bytes).unwrap_or_default();
    let [size, message, help, warnings @ ..] = said.as_slice() else {
        return Err(Error::new("rank 0 is not a mixq of this version"));
    };
    if *size != options.size.to_string() {
        // A group of fewer processes never looks at a rank that it does not have.
        let [all, own] = [size, &options.size.to_string()].map(|size| with_size(size, &Contract::new()));
        let mut contracts = vec![all; options.rank];
        contracts.push(own);
        return Contract::compare(&contracts);
    }
    match (message.is_empty(), help.is_empty()) {
        (true, _) => Ok(warnings.to_vec()),
        (false, true) => Err(Error::new(message.as_str())),
        (false, false) => Err(Error::new(message.as_str()).with_help(help.as_str())),
    }
}

/// The store is gone before the group was there.
fn lost(options: &Options, text: &str) -> Error {
    let Options { host, port, .. } = options;
    let (server, reason) = (options.server(), first_line(text));
    let message = format!("{server} at {host}:{port} has ended while the group was joining ({reason})");
    Error::new(message).with_help("look at what it said last")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello_from(address: &str) -> Hello {
        Hello { contract: Contract::new().must("mixq", "1"), address: address.parse().ok() }
    }

    #[test]
    fn a_hello_survives_the_way() {
        for address in ["10.0.0.1", "::1", ""] {
            let hello = hello_from(address);
            assert_eq!(Hello::decode(&hello.encode()), Some(hello));
        }
        assert_eq!(Hello::decode(b"GET / HTTP"), None);
    }

    #[test]
    fn addresses_of_one_machine_and_of_several_do_not_go_together() {
        let compared =
            |addresses: &[&str]| compare(&addresses.iter().copied().map(hello_from).collect::<Vec<_>>());
        for fine in [&["127.0.0.1", "127.0.0.1"][..], &["10.0.0.1", "10.0.0.2"], &["::1"], &["", "10.0.0.1"]]
        {
            assert_eq!(compared(fine), Ok(vec![]), "{fine:?}");
        }
        let error = compared(&["127.0.1.1", "10.0.0.2", ""]).unwrap_err();
        assert_eq!(error.message(), "rank 0 would wait at 127.0.1.1, which no other machine can reach");
        assert!(error.help().unwrap().contains("GLOO_SOCKET_IFNAME"));
    }
}
