//! What the others say when a process of a group fails.

use std::time::Instant;

use crate::launch::{CALLS, Process, failure};

/// All processes of a group, when they are all at work.
fn at_work(role: &str, size: usize, calls: &str) -> Vec<Process> {
    let mut processes = Process::group(role, size, &[(CALLS, calls)]);
    processes.iter_mut().for_each(|process| process.wait_for("ready"));
    processes
}

/// What all say, and in how many seconds from now.
fn ends(processes: Vec<Process>) -> (Vec<String>, f64) {
    let start = Instant::now();
    (processes.into_iter().map(failure).collect(), start.elapsed().as_secs_f64())
}

#[test]
fn a_killed_process_is_named_by_all_others_within_10_s() {
    // The first serves the store.
    for killed in 0..3 {
        let mut processes = at_work("calls", 3, "60000");
        processes.remove(killed).kill();
        let (said, seconds) = ends(processes);
        let server = ["rank 0 has ended or cannot be reached"; 2];
        let expected = match killed {
            0 => server,
            1 => ["rank 1 has ended or cannot be reached"; 2],
            _ => ["rank 2 has ended or cannot be reached"; 2],
        };
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.starts_with(expected), "{said}");
        }
        assert!(seconds < 10.0, "{killed}: {seconds} s");
    }
}

#[test]
fn a_process_that_hangs_is_named_after_the_time_for_calls() {
    let processes = at_work("hang", 3, "3000");
    let mut processes = processes.into_iter();
    let (first, hanging, last) =
        (processes.next().unwrap(), processes.next().unwrap(), processes.next().unwrap());
    let (said, seconds) = ends(vec![first, last]);
    for said in said {
        assert!(said.starts_with("rank 1 did not take part in a call within 3 s; it lives, but"), "{said}");
    }
    assert!(seconds < 15.0, "{seconds} s");
    hanging.kill();
}

#[test]
fn a_store_that_hangs_ends_all_others() {
    let mut processes = at_work("calls", 3, "3000");
    let hanging = processes.remove(0);
    hanging.halt();
    let (said, seconds) = ends(processes);
    for said in said {
        assert!(said.starts_with("rank 0 does not answer; look"), "{said}");
    }
    assert!(seconds < 20.0, "{seconds} s");
}

#[test]
fn a_process_that_leaves_is_named() {
    let mut processes = Process::group("leave", 3, &[]);
    assert_eq!(processes.remove(1).end().said, Ok("left".into()));
    let (said, seconds) = ends(processes);
    for said in said {
        assert!(said.starts_with("rank 1 has left the group; look at what it said last"), "{said}");
    }
    assert!(seconds < 10.0, "{seconds} s");
}

#[test]
fn ranks_that_do_different_things_are_told_so() {
    for said in ends(Process::group("differ", 2, &[])).0 {
        let expected = "rank 0 calls barrier, but rank 1 calls all_gather: they do not do the same";
        assert!(said.starts_with(expected), "{said}");
    }
}
