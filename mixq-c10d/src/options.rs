use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, Result};

/// As whom, where and how long a process joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which process of the group this is: 0 to `size - 1`.
    pub rank: usize,
    /// Processes in the group.
    pub size: usize,
    /// Which process of the group on its machine this is: the GPU that it takes.
    pub local_rank: usize,
    /// The machine of rank 0, or of torchrun's agent: a name or an address.
    pub host: String,
    /// A free port of that machine.
    pub port: u16,
    /// Whether an agent serves the store at that port. If not, rank 0 serves it.
    pub agent: bool,
    /// How often the group was started before: a store of torchrun's agent still has the keys of that.
    pub restarts: u32,
    /// The network interface to talk over, such as `eth0`. If not given: that by which this machine reaches
    /// `host`.
    pub interface: Option<String>,
    /// How long a process waits for the others before the group begins.
    pub joining: Duration,
    /// How long a process waits in a call for the others. It must be more than what any process does alone
    /// between two calls.
    pub collectives: Duration,
}

/// What torchrun sets, and mixq needs.
const NEEDED: [&str; 5] = ["RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"];

/// Times to wait. For c10d 0 means for ever, and very long times overflow.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// gloo keeps addresses of all with all. Networks for microcontrollers do not need more.
const MOST: usize = 4096;

impl Options {
    /// A process that joins at a port of this machine or another one. It waits 5 minutes while it joins, and
    /// 10 minutes in calls.
    pub fn new(rank: usize, size: usize, host: impl Into<String>, port: u16) -> Options {
        Options {
            rank,
            size,
            local_rank: rank,
            host: host.into(),
            port,
            agent: false,
            restarts: 0,
            interface: None,
            joining: Duration::from_secs(5 * 60),
            collectives: Duration::from_secs(10 * 60),
        }
    }

    /// What torchrun, or who does as it, says in the environment: `RANK`, `WORLD_SIZE`, `LOCAL_RANK`,
    /// `MASTER_ADDR`, `MASTER_PORT`; if set, also `TORCHELASTIC_USE_AGENT_STORE`,
    /// `TORCHELASTIC_RESTART_COUNT` and `GLOO_SOCKET_IFNAME`. `None` if this is a process on its own: none of
    /// the first five is set. What is empty counts as not set.
    ///
    /// The function asks `variable` alone, usually `|name| std::env::var(name).ok()`.
    ///
    /// # Errors
    /// Some of the five variables are set and others are not, or values are wrong: all of them are named.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Options>> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        if NEEDED.iter().all(|name| get(name).is_none()) {
            return Ok(None);
        }
        let mut wrong = Vec::new();
        let missing: Vec<&str> = NEEDED.into_iter().filter(|name| get(name).is_none()).collect();
        if !missing.is_empty() {
            wrong.push(format!("{} must be set, too", missing.join(", ")));
        }
        let rank = number::<usize>("RANK", &get, &mut wrong);
        let size = number::<usize>("WORLD_SIZE", &get, &mut wrong);
        let local_rank = number::<usize>("LOCAL_RANK", &get, &mut wrong);
        let port = number::<u16>("MASTER_PORT", &get, &mut wrong);
        let restarts = number::<u32>("TORCHELASTIC_RESTART_COUNT", &get, &mut wrong).unwrap_or(0);
        let agent = match get("TORCHELASTIC_USE_AGENT_STORE").as_deref() {
            None | Some("False") => false,
            Some("True") => true,
            Some(text) => {
                wrong.push(format!("TORCHELASTIC_USE_AGENT_STORE is `{text}`, not True or False"));
                false
            }
        };
        if let (Some(rank), Some(size)) = (rank, size) {
            wrong.extend(range(rank, size));
        }
        if port == Some(0) {
            wrong.push("MASTER_PORT is 0, which is not a port".into());
        }
        let help = "torchrun sets all of these variables; for a process on its own unset them";
        let (true, Some(rank), Some(size), Some(local_rank), Some(host), Some(port)) =
            (wrong.is_empty(), rank, size, local_rank, get("MASTER_ADDR"), port)
        else {
            return Err(Error::new(wrong.join(". ")).with_help(help));
        };
        let interface = get("GLOO_SOCKET_IFNAME");
        Ok(Some(Options { local_rank, agent, restarts, interface, ..Options::new(rank, size, host, port) }))
    }

    /// Who serves the store, for people.
    pub(crate) fn server(&self) -> &'static str {
        if self.agent { "torchrun's agent" } else { "rank 0" }
    }

    /// # Errors
    /// A rank that the group does not have, no port, a text that C cannot have, a time that is none.
    pub(crate) fn check(&self) -> Result<()> {
        let no_text = |text: &str| text.is_empty() || text.contains('\0');
        let wrong = if let Some(wrong) = range(self.rank, self.size) {
            wrong
        } else if self.port == 0 {
            "0 is not a port".into()
        } else if no_text(&self.host) || self.interface.as_deref().is_some_and(no_text) {
            "the name of the host or of the interface is empty, or has a zero byte".into()
        } else if [self.joining, self.collectives].iter().any(|time| !(SHORTEST..=LONGEST).contains(time)) {
            "a time to wait is less than a millisecond, or more than a year".into()
        } else {
            return Ok(());
        };
        Err(Error::new(wrong))
    }
}

/// What is wrong with a rank.
fn range(rank: usize, size: usize) -> Option<String> {
    if size == 0 || size > MOST {
        return Some(format!("WORLD_SIZE is {size}, not 1 to {MOST}"));
    }
    (rank >= size).then(|| format!("RANK is {rank}, but WORLD_SIZE {size}: ranks are 0 to {}", size - 1))
}

/// The number of a variable that is set.
fn number<T: FromStr<Err: Display>>(
    name: &str,
    get: &impl Fn(&str) -> Option<String>,
    wrong: &mut Vec<String>,
) -> Option<T> {
    let text = get(name)?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) => {
            wrong.push(format!("{name} is `{text}`: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 5] = [
        ("RANK", "1"),
        ("WORLD_SIZE", "3"),
        ("LOCAL_RANK", "0"),
        ("MASTER_ADDR", "10.0.0.1"),
        ("MASTER_PORT", "29500"),
    ];

    fn read(variables: &[(&str, &str)]) -> Result<Option<Options>> {
        // The last of two with one name counts.
        Options::from_env(|name| {
            let mut found = variables.iter().rev().filter(|variable| variable.0 == name);
            found.next().map(|variable| variable.1.to_string())
        })
    }

    fn message(variables: &[(&str, &str)]) -> String {
        let error = read(variables).unwrap_err();
        assert!(error.help().unwrap().starts_with("torchrun sets all"));
        error.message().to_string()
    }

    #[test]
    fn a_process_on_its_own_has_none_of_the_variables() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("RANK", ""), ("TORCHELASTIC_RESTART_COUNT", "x")]), Ok(None));
    }

    #[test]
    fn what_torchrun_sets_is_understood() {
        let mut expected = Options::new(1, 3, "10.0.0.1", 29500);
        expected.local_rank = 0;
        assert_eq!(read(&ALL), Ok(Some(expected.clone())));
        let more = [
            ("TORCHELASTIC_USE_AGENT_STORE", "True"),
            ("TORCHELASTIC_RESTART_COUNT", "2"),
            ("GLOO_SOCKET_IFNAME", "eth1"),
        ];
        (expected.agent, expected.restarts, expected.interface) = (true, 2, Some("eth1".into()));
        assert_eq!(read(&[&ALL[..], &more].concat()), Ok(Some(expected)));
        let without = [&ALL[..], &[("TORCHELASTIC_USE_AGENT_STORE", "False")]].concat();
        assert!(!read(&without).unwrap().unwrap().agent);
    }

    #[test]
    fn half_of_the_variables_is_an_error_that_names_the_others() {
        assert_eq!(message(&ALL[..1]), "WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT must be set, too");
        assert_eq!(message(&ALL[1..]), "RANK must be set, too");
        let empty = [&ALL[..], &[("MASTER_ADDR", "")]].concat();
        assert_eq!(message(&empty), "MASTER_ADDR must be set, too");
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let wrong = [("RANK", "first"), ("MASTER_PORT", "70000"), ("TORCHELASTIC_USE_AGENT_STORE", "yes")];
        let found = message(&[&ALL[..3], &wrong].concat());
        for part in ["MASTER_ADDR must", "RANK is `first`", "MASTER_PORT is `70000`", "STORE is `yes`"] {
            assert!(found.contains(part), "{found}");
        }
        let with = |name, value| message(&[&ALL[..], &[(name, value)]].concat());
        assert_eq!(with("RANK", "3"), "RANK is 3, but WORLD_SIZE 3: ranks are 0 to 2");
        assert_eq!(with("WORLD_SIZE", "0"), "WORLD_SIZE is 0, not 1 to 4096");
        assert_eq!(with("WORLD_SIZE", "-1"), "WORLD_SIZE is `-1`: invalid digit found in string");
        assert_eq!(with("MASTER_PORT", "0"), "MASTER_PORT is 0, which is not a port");
    }

    #[test]
    fn options_that_a_program_makes_are_checked_too() {
        assert_eq!(Options::new(0, 1, "localhost", 1).check(), Ok(()));
        for (rank, size, host, port) in
            [(1, 1, "a", 1), (0, 0, "a", 1), (0, 1, "", 1), (0, 1, "a\0", 1), (0, 1, "a", 0)]
        {
            assert!(Options::new(rank, size, host, port).check().is_err(), "{rank} {size} {host} {port}");
        }
        for time in [Duration::ZERO, Duration::MAX] {
            assert!(Options { joining: time, ..Options::new(0, 1, "a", 1) }.check().is_err());
            assert!(Options { collectives: time, ..Options::new(0, 1, "a", 1) }.check().is_err());
        }
        let interface = Some("eth\0".into());
        assert!(Options { interface, ..Options::new(0, 1, "a", 1) }.check().is_err());
    }
}
