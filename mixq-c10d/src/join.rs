//! How a process joins a group: it finds the store, meets the others there, and connects to all of them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::beat::Beat;
use crate::contract::Contract;
use crate::error::{Error, Result, first_line};
use crate::lost::ended;
use crate::meet::{GRACE, Hello, introduce, verdict};
use crate::options::Options;
use crate::raw::{Connections, Store};
use crate::reach::reach;
use crate::watch::within;

/// How long an answer of the store may be late.
const PATIENCE: Duration = Duration::from_secs(1);

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
    introduce(&store, options, Hello::new(options, contract, address))?;
    let beat = Beat::start(Arc::clone(&store), options.rank);
    let warnings = verdict(&store, options, options.joining.saturating_sub(start.elapsed()))?;
    let connections = connect(&store, options, address)?;
    Ok(Joined { store, beat, connections, warnings })
}

/// Opens the store, which answers at once if it is one.
fn open(options: &Options, serves: bool) -> Result<Store> {
    let limit = options.joining.clamp(GRACE, Duration::from_secs(30));
    let prefix = format!("mixq/{}", options.restarts);
    let (host, port) = (options.host.clone(), options.port);
    let place = format!("{host}:{port}");
    let opened = within(limit + PATIENCE, move || Store::open(&host, port, serves, &prefix, limit));
    opened.unwrap_or(Err("no answer".into())).map_err(|text| {
        let (message, help) = if !serves {
            // The port was open just before: who is there does not speak as a store does.
            let message = format!("who listens at {place} does not answer as {} would", options.server());
            let help = if options.agent {
                // The protocol of stores has changed in 2.1.
                "torchrun must be of PyTorch 2.1 or newer; older ones serve none with --rdzv-backend=c10d"
            } else {
                "it may be another program's port: choose a free one as MASTER_PORT, for all ranks"
            };
            (message, help)
        } else if text.contains("EADDRINUSE") {
            let message = format!("rank 0 cannot serve at port {port}: a program uses it already");
            (message, "choose a free port as MASTER_PORT; if that is an earlier training, end it first")
        } else {
            let message = format!("rank 0 cannot serve at {place} ({})", first_line(&text));
            (message, "MASTER_ADDR must be an address of the machine of rank 0")
        };
        Error::new(message).with_help(help)
    })
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
