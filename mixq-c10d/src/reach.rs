//! Whether somebody listens at a port, and from which address this machine reaches it.

use std::io;
use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Of one try: a machine that is not there does not say so.
const TRY: Duration = Duration::from_secs(3);

/// After this time an unknown name is a wrong one, however long the process may wait for others.
const NAMING: Duration = Duration::from_secs(15);

/// Waits until somebody listens. The answer is the address of this machine's end: the others can reach this
/// process there, where a machine's name often means only the machine itself.
///
/// # Errors
/// No process has listened in this time; the name is unknown.
pub(crate) fn reach(host: &str, port: u16, limit: Duration) -> Result<IpAddr> {
    let start = Instant::now();
    loop {
        let left = limit.saturating_sub(start.elapsed());
        let failure = match (host, port).to_socket_addrs() {
            Ok(addresses) => {
                let mut failure = io::Error::from(io::ErrorKind::NotFound);
                for address in addresses {
                    let patience = left.clamp(PAUSE, TRY);
                    let end = TcpStream::connect_timeout(&address, patience).and_then(|end| end.local_addr());
                    match end {
                        Ok(own) => return Ok(own.ip()),
                        Err(error) => failure = error,
                    }
                }
                failure
            }
            Err(error) if start.elapsed() + PAUSE >= limit.min(NAMING) => {
                let message = format!("the host {host} is unknown ({error})");
                return Err(Error::new(message).with_help("MASTER_ADDR must name the machine of rank 0"));
            }
            Err(error) => error,
        };
        if start.elapsed() + PAUSE >= limit {
            let seconds = limit.as_secs_f64();
            let message = format!("nothing has answered at {host}:{port} within {seconds:.0} s ({failure})");
            let help = "start rank 0 on that machine, or set MASTER_ADDR and MASTER_PORT to where it is; \
                        firewalls must let this port pass";
            return Err(Error::new(message).with_help(help));
        }
        thread::sleep(PAUSE);
    }
}
