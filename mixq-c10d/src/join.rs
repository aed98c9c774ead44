//! How the processes of a group find each other: over a store that rank 0, or torchrun's agent, serves.
//!
//! Each process sets `hello/RANK`: what it must have in common with the others, and its address. Rank 0 waits
//! for all of them and sets `verdict`. Only then are connections made from each to all others: processes that
//! do not fit together never talk by gloo, whose errors nobody understands.

use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::beat::Beat;
use crate::contract::Contract;
use crate::error::{Error, Result, ranks};
use crate::lost::ended;
use crate::options::Options;
use crate::pack;
use crate::raw::{Connections, Store};
use crate::reach::reach;
use crate::watch::within;

/// What two processes that take long to start may differ by, beyond the time for joining.
const GRACE: Duration = Duration::from_secs(5);

/// Between two looks at the store.
const PAUSE: Duration = Duration::from_millis(30);

/// A process that has joined.
pub(crate) struct Joined {
    pub(crate) store: Arc<Store>,
    pub(crate) beat: Beat,
    pub(crate) connections: Connections,
    /// Values that should be equal and are not.
    pub(crate) warnings: Vec<String>,
}

pub(crate) fn join(options: &Options, contract: &Contract) -> Result<Joined> {
    options.check()?;
    let start = Instant::now();
    let serves = options.rank == 0 && !options.agent;
    let (host, port) = (options.host.as_str(), options.port);
    let mut address = None;
    if !serves {
        address = Some(reach(host, port, options.joining)?);
    }
    let store = Arc::new(open(options, serves)?);
    let address = match address {
        Some(address) => address,
        None => reach(host, port, GRACE)?,
    };
    let contract = with_size(&options.size.to_string(), contract);
    let hello = Hello { contract, address: options.interface.is_none().then_some(address) };
    introduce(&store, options, &hello)?;
    let beat = Beat::start(Arc::clone(&store), options.rank);
    let verdict = if options.rank == 0 {
        let left = options.joining.saturating_sub(start.elapsed());
        judge(&store, options, left)
    } else {
        listen(&store, options)
    };
    let warnings = verdict?;
    let connections = connect(&store, options, address)?;
    Ok(Joined { store, beat, connections, warnings })
}

/// All processes must have been told the same number of them.
fn with_size(size: &str, contract: &Contract) -> Contract {
    Contract::new().must("WORLD_SIZE", size).and(contract)
}

/// Opens the store, which answers at once if it is one.
fn open(options: &Options, serves: bool) -> Result<Store> {
    let limit = options.joining.clamp(GRACE, Duration::from_secs(30));
    let prefix = format!("mixq/{}", options.restarts);
    let (host, port) = (options.host.clone(), options.port);
    let place = format!("{host}:{port}");
    let Some(opened) = within(limit, move || Store::open(&host, port, serves, &prefix, limit)) else {
        return Err(foreign(&place));
    };
    opened.map_err(|text| match serves {
        true if text.contains("EADDRINUSE") => {
            let message = format!("rank 0 cannot serve at port {port}: a program uses it already");
            let help = "choose a free port as MASTER_PORT; if that is an earlier training, end it first";
            Error::new(message).with_help(help)
        }
        true => Error::new(format!("rank 0 cannot serve at {place}: {}", first_line(&text))),
        // The port was open just before: who is there speaks, but not as a store does.
        false => foreign(&place),
    })
}

fn foreign(place: &str) -> Error {
    let message = format!("who listens at {place} does not answer as rank 0 would");
    let help = "it may be another program's port: choose a free one as MASTER_PORT, for all ranks";
    Error::new(message).with_help(help)
}

/// What a process says of itself.
#[derive(Debug, PartialEq)]
struct Hello {
    contract: Contract,
    /// Where others reach it; `None` if its interface was chosen by hand.
    address: Option<IpAddr>,
}

impl Hello {
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

fn introduce(store: &Store, options: &Options, hello: &Hello) -> Result<()> {
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

/// What rank 0 finds when all are there or the time is over: it tells all others.
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
fn listen(store: &Arc<Store>, options: &Options) -> Result<Vec<String>> {
    let limit = options.joining + GRACE;
    let own = Arc::clone(store);
    let bytes = match within(limit + GRACE, move || own.get("verdict", limit)) {
        Some(Ok(bytes)) => bytes,
        // The store still answers: only rank 0 is not there, or not in time.
        Some(Err(_)) if store.has("verdict").is_ok() => return Err(missing(store, options)),
        Some(Err(text)) => return Err(lost(options, &text)),
        None => return Err(lost(options, "it does not answer")),
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
    let server = if options.agent { "torchrun's agent" } else { "rank 0" };
    let place = format!("{}:{}", options.host, options.port);
    let message = format!("{server} at {place} has ended while the group was joining ({})", first_line(text));
    Error::new(message).with_help("look at what it said last")
}

/// Connects with all others.
fn connect(store: &Arc<Store>, options: &Options, address: IpAddr) -> Result<Connections> {
    let limit = options.joining.max(GRACE);
    let (keys, own) = (Arc::clone(store), options.clone());
    let opened = within(limit + GRACE, move || {
        let interface = own.interface.as_deref();
        let mut connections =
            Connections::open(&keys, own.rank, own.size, interface, &address.to_string(), limit)?;
        connections.set_timeout(own.collectives)?;
        Ok(connections)
    });
    opened.unwrap_or(Err("no answer".into())).map_err(|text: String| {
        let help = "name the network interface between the machines in GLOO_SOCKET_IFNAME (`ip address` \
                    shows their names); firewalls must let all ports between them pass";
        let message = match &options.interface {
            Some(name) if text.contains("Unable to find address") => {
                format!("rank {} has no network interface {name} with an address", options.rank)
            }
            _ => {
                if let Some(error) = ended(store, options) {
                    return error;
                }
                format!("rank {} cannot connect to the other ranks ({})", options.rank, first_line(&text))
            }
        };
        Error::new(message).with_help(help)
    })
}

/// What c10d and gloo say first: places in their sources, and advice that is none, are left out.
pub(crate) fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    let line = match line.split_once("] ") {
        Some((place, rest)) if place.starts_with('[') && place.contains(".cc:") => rest,
        _ => line,
    };
    let end = line.find(". ").unwrap_or(line.len());
    line[..end].trim_end_matches('.').to_string()
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

    #[test]
    fn what_gloo_says_is_shortened() {
        let text = "[../third_party/gloo/gloo/transport/tcp/pair.cc:547] Read error [127.0.0.1]:1216: \
                    Connection reset by peer. This may indicate that a remote worker has died. GLHF!\nmore";
        assert_eq!(first_line(text), "Read error [127.0.0.1]:1216: Connection reset by peer");
        assert_eq!(first_line("Operation timed out!"), "Operation timed out!");
        assert_eq!(first_line(""), "");
    }
}
