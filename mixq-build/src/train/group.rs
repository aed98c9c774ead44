//! The processes that train together.

use std::ops::Range;

use tch::{Device, Tensor};

use super::tree;
use crate::error::Problem;

/// All processes of a training, as one of them sees them.
pub enum Group {
    /// There is this one alone.
    Alone,
    /// They exchange what they compute.
    #[cfg(feature = "distributed")]
    Joined(Box<Joined>),
}

/// A group, and the number of this process on its machine.
#[cfg(feature = "distributed")]
pub struct Joined {
    group: mixq_c10d::Group,
    local_rank: usize,
    /// Time in sums.
    seconds: f64,
}

impl Group {
    /// The group that torchrun, or who does as it, says in the environment; this process alone, if nothing is
    /// said there. All processes must have `must` in common, by name and value. The answer has what should be
    /// equal and is not.
    ///
    /// # Errors
    /// Half of the variables are set; other processes do not come, or have something else in common.
    #[cfg(feature = "distributed")]
    pub fn join(must: &[(&str, String)]) -> Result<(Group, Vec<String>), Problem> {
        let options = mixq_c10d::Options::from_env(|name| std::env::var(name).ok()).map_err(problem)?;
        let Some(mut options) = options.filter(|options| options.size > 1) else {
            return Ok((Group::Alone, Vec::new()));
        };
        if let Some(seconds) = timeout(std::env::var(TIMEOUT).ok())? {
            options.collectives = seconds;
        }
        let contract =
            must.iter().fold(mixq_c10d::Contract::new(), |all, (name, value)| all.must(*name, value));
        let group = mixq_c10d::Group::join(&options, &contract).map_err(problem)?;
        let warnings = group.warnings().to_vec();
        Ok((
            Group::Joined(Box::new(Joined { group, local_rank: options.local_rank, seconds: 0.0 })),
            warnings,
        ))
    }

    /// A process of this machine, of `size` that meet at a port.
    #[cfg(all(test, feature = "distributed"))]
    pub fn at(rank: usize, size: usize, port: u16) -> Result<Group, Problem> {
        let options = mixq_c10d::Options::new(rank, size, "127.0.0.1", port);
        let group = mixq_c10d::Group::join(&options, &mixq_c10d::Contract::new()).map_err(problem)?;
        Ok(Group::Joined(Box::new(Joined { group, local_rank: rank, seconds: 0.0 })))
    }

    /// Which process this is: 0 to `size - 1`. The first one reads and writes files.
    pub fn rank(&self) -> usize {
        match self {
            Group::Alone => 0,
            #[cfg(feature = "distributed")]
            Group::Joined(joined) => joined.group.rank(),
        }
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        match self {
            Group::Alone => 1,
            #[cfg(feature = "distributed")]
            Group::Joined(joined) => joined.group.size(),
        }
    }

    /// Which process of its machine this is.
    pub fn local_rank(&self) -> usize {
        match self {
            Group::Alone => 0,
            #[cfg(feature = "distributed")]
            Group::Joined(joined) => joined.local_rank,
        }
    }

    /// From now on GPUs exchange directly, if all processes have one and mixq was built for that. All
    /// processes say which device they compute on.
    ///
    /// # Errors
    /// A process is lost, or GPUs cannot be connected.
    pub fn connect(&mut self, device: Device) -> Result<(), Problem> {
        match self {
            Group::Alone => {
                let _ = device;
            }
            #[cfg(feature = "distributed")]
            Group::Joined(joined) => {
                let gpu = match device {
                    Device::Cuda(gpu) => Some(gpu),
                    _ => None,
                };
                joined.group.connect_gpus(gpu).map_err(problem)?;
            }
        }
        Ok(())
    }

    /// Those of `total` pieces of work that are this process's.
    pub fn run(&self, total: usize) -> Range<usize> {
        tree::shards(self.rank(), self.size(), total)
    }

    /// The sum of `total` tensors of one shape, of which this process has those of its [`Group::run`]: with
    /// the same bits in all processes, and for any number of them.
    ///
    /// # Errors
    /// A process is lost.
    pub fn sum(&mut self, leaves: &[Tensor], total: usize) -> Result<Tensor, Problem> {
        match self {
            Group::Alone => {
                debug_assert_eq!(leaves.len(), total, "one process has all of them");
                Ok(tree::sum(leaves))
            }
            #[cfg(feature = "distributed")]
            Group::Joined(joined) => {
                let start = std::time::Instant::now();
                let sum = joined.group.tree_sum(leaves, total).map_err(problem);
                joined.seconds += start.elapsed().as_secs_f64();
                sum
            }
        }
    }

    /// The seconds that sums have taken since this was asked before: waiting, and exchange.
    pub fn take_seconds(&mut self) -> f64 {
        match self {
            Group::Alone => 0.0,
            #[cfg(feature = "distributed")]
            Group::Joined(joined) => std::mem::take(&mut joined.seconds),
        }
    }

    /// What the first process has, which others give `None` for.
    ///
    /// # Errors
    /// A process is lost.
    pub fn share(&mut self, bytes: Option<Vec<u8>>) -> Result<Vec<u8>, Problem> {
        match self {
            Group::Alone => Ok(bytes.unwrap_or_default()),
            #[cfg(feature = "distributed")]
            Group::Joined(joined) => joined.group.broadcast_bytes(0, bytes.as_deref()).map_err(problem),
        }
    }

    /// What each process has, by rank.
    ///
    /// # Errors
    /// A process is lost.
    pub fn gather(&mut self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>, Problem> {
        match self {
            Group::Alone => Ok(vec![bytes]),
            #[cfg(feature = "distributed")]
            Group::Joined(joined) => joined.group.all_gather_bytes(&bytes).map_err(problem),
        }
    }

    /// Compares what must be equal in all processes, by name and value, and what should be. The answer is
    /// what should be equal and is not.
    ///
    /// # Errors
    /// A process is lost, or values differ that must be equal: both are named.
    pub fn agree(
        &mut self,
        must: &[(&str, String)],
        should: &[(&str, String)],
    ) -> Result<Vec<String>, Problem> {
        match self {
            Group::Alone => {
                let _ = (must, should);
                Ok(Vec::new())
            }
            #[cfg(feature = "distributed")]
            Group::Joined(joined) => {
                let with_must =
                    |all: mixq_c10d::Contract, (name, value): &(&str, String)| all.must(*name, value);
                let with_should =
                    |all: mixq_c10d::Contract, (name, value): &(&str, String)| all.should(*name, value);
                let contract = must.iter().fold(mixq_c10d::Contract::new(), with_must);
                joined.group.agree(&should.iter().fold(contract, with_should)).map_err(problem)
            }
        }
    }
}

/// The variable that says how long a process waits for what the others compute, in seconds.
#[cfg(feature = "distributed")]
const TIMEOUT: &str = "MIXQ_TIMEOUT";

/// How long that is; `None`: the usual time.
///
/// # Errors
/// It is not a number of seconds.
#[cfg(feature = "distributed")]
fn timeout(text: Option<String>) -> Result<Option<std::time::Duration>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    match text.parse::<u32>() {
        Ok(seconds @ 1..) => Ok(Some(std::time::Duration::from_secs(seconds.into()))),
        _ => {
            let message = format!("{TIMEOUT} is `{}`, which is not a number of seconds", text.escape_debug());
            Err(Problem::new(message).help(format!("set it to 1800, or leave it out for {USUAL} s")))
        }
    }
}

/// That of mixq-c10d, in seconds.
#[cfg(feature = "distributed")]
const USUAL: u32 = 600;

/// What keeps processes from going on together.
#[cfg(feature = "distributed")]
pub fn problem(error: mixq_c10d::Error) -> Problem {
    let problem = Problem::new(error.message());
    match error.help() {
        Some(help) => problem.help(help),
        None => problem,
    }
}

#[cfg(all(test, feature = "distributed"))]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_of_seconds() {
        let of = |text: &str| timeout(Some(text.to_string()));
        assert_eq!(of("1800").unwrap(), Some(std::time::Duration::from_secs(1800)));
        assert_eq!((of("").unwrap(), timeout(None).unwrap()), (None, None));
        for wrong in ["0", "-1", "1.5", "ten", "5000000000"] {
            let said = of(wrong).unwrap_err().to_string();
            assert!(said.contains(&format!("MIXQ_TIMEOUT is `{wrong}`")), "{said}");
        }
        let usual = mixq_c10d::Options::new(0, 1, "", 1).collectives.as_secs();
        assert_eq!(u64::from(USUAL), usual);
    }
}
