//! How a group begins, and why it does not.

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use crate::launch::{JOINING, Process, failure, free_port, results};
use crate::worker::{CPU, DATA};

/// Milliseconds that joining may take in tests where somebody never comes.
const SHORT: (&str, &str) = (JOINING, "4000");
/// The same where others come a little later, on a machine that has much to do.
const LONGER: (&str, &str) = (JOINING, "8000");

#[test]
fn a_rank_that_never_comes_is_named_by_all_that_are_there() {
    let port = free_port();
    let processes = [0, 2].map(|rank| Process::start("join", rank, 4, port, &[LONGER]));
    for process in processes {
        let end = process.end();
        let expected = "ranks 1 and 3 have not come within 8 s; start all 4 processes at about the same time";
        assert_eq!(end.said.unwrap_err(), expected);
        assert!(end.seconds < 20.0, "{} s", end.seconds);
    }
}

#[test]
fn nothing_at_the_port_is_said_after_the_time_for_joining() {
    let port = free_port();
    let end = Process::start("join", 1, 2, port, &[SHORT]).end();
    let said = end.said.unwrap_err();
    assert!(said.starts_with(&format!("nothing has answered at 127.0.0.1:{port} within 4 s")), "{said}");
    assert!(end.seconds < 10.0, "{} s", end.seconds);
}

#[test]
fn a_host_that_is_unknown_is_named() {
    let host = ("MASTER_ADDR", "no-such-host.invalid");
    let said = failure(Process::start("join", 1, 2, 29500, &[SHORT, host]));
    assert!(said.starts_with("the host no-such-host.invalid is unknown"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let other = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let end = Process::start("join", 0, 2, port, &[]).end();
    let expected = format!("rank 0 cannot serve at port {port}: a program uses it already; choose");
    assert!(end.said.as_ref().unwrap_err().starts_with(&expected), "{end:?}");
    assert!(end.seconds < 10.0, "{} s", end.seconds);
}

#[test]
fn rank_0_on_another_machine_than_master_addr_says_is_told_so() {
    // An address that no machine has.
    let host = ("MASTER_ADDR", "192.0.2.1");
    let port = free_port();
    let end = Process::start("join", 0, 2, port, &[SHORT, host]).end();
    let said = end.said.as_ref().unwrap_err();
    assert!(said.starts_with(&format!("rank 0 cannot serve at 192.0.2.1:{port} (")), "{end:?}");
    assert!(said.ends_with("; MASTER_ADDR must be an address of the machine of rank 0"), "{end:?}");
    assert!(end.seconds < 15.0, "{} s", end.seconds);
}

#[test]
fn another_program_at_the_port_is_told_from_rank_0() {
    // One that says nothing, and one that says what no store does.
    for answer in ["", "HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = other.local_addr().unwrap().port();
        thread::spawn(move || {
            let mut open = Vec::new();
            for mut stream in other.incoming().map_while(Result::ok) {
                let _ = stream.write_all(answer.as_bytes());
                open.push(stream);
            }
        });
        let agent = ("TORCHELASTIC_USE_AGENT_STORE", "True");
        for (variables, server) in [
            (&[SHORT][..], "rank 0 would; it may be another program's port"),
            (&[SHORT, agent], "torchrun's agent would; torchrun must be of PyTorch 2.1 or newer"),
        ] {
            let end = Process::start("join", 1, 2, port, variables).end();
            let expected = format!("who listens at 127.0.0.1:{port} does not answer as {server}");
            assert!(end.said.as_ref().unwrap_err().starts_with(&expected), "{end:?}");
            assert!(end.seconds < 15.0, "{} s", end.seconds);
        }
    }
}

#[test]
fn data_that_differ_are_named_with_both_sides() {
    let port = free_port();
    let data = ["ab", "ab", "cd"];
    let processes: Vec<Process> =
        (0..3).map(|rank| Process::start("join", rank, 3, port, &[(DATA, data[rank])])).collect();
    for process in processes {
        let expected = "data differs: rank 0 has `ab`, rank 2 has `cd`; start all processes with the same";
        let said = failure(process);
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn sizes_that_differ_are_named() {
    let port = free_port();
    let processes = [(0, 2), (1, 3)].map(|(rank, size)| Process::start("join", rank, size, port, &[]));
    for process in processes {
        let said = failure(process);
        assert!(said.starts_with("WORLD_SIZE differs: rank 0 has `2`, rank 1 has `3`"), "{said}");
    }
}

#[test]
fn a_rank_that_the_group_does_not_have_is_told_so() {
    let port = free_port();
    let mut group = [0, 1].map(|rank| Process::start("serve", rank, 2, port, &[]));
    group.iter_mut().for_each(|process| process.wait_for("ready"));
    let said = failure(Process::start("join", 2, 3, port, &[]));
    assert!(said.starts_with("WORLD_SIZE differs: rank 0 has `2`, rank 2 has `3`"), "{said}");
    // The group has not noticed it.
    group.iter_mut().for_each(Process::is_there);
    group.into_iter().for_each(Process::kill);
}

/// Until the processes have found each other, and wait for another one.
fn wait_a_little(group: &mut [Process]) {
    group.iter_mut().for_each(|process| process.wait_for("started"));
    thread::sleep(Duration::from_secs(3));
}

#[test]
fn rank_0_that_ends_before_all_are_there_is_named() {
    let port = free_port();
    let mut group = [0, 1].map(|rank| Process::start("join", rank, 3, port, &[]));
    wait_a_little(&mut group);
    let [first, second] = group;
    first.kill();
    let end = second.end();
    let expected = format!("rank 0 at 127.0.0.1:{port} has ended while the group was joining");
    assert!(end.said.as_ref().unwrap_err().starts_with(&expected), "{end:?}");
    assert!(end.seconds < 14.0, "{} s", end.seconds);
}

#[test]
fn rank_0_that_hangs_before_all_are_there_is_named() {
    let port = free_port();
    let mut group = [0, 1].map(|rank| Process::start("join", rank, 3, port, &[LONGER]));
    // Rank 1 then waits for what rank 0 never says.
    wait_a_little(&mut group);
    let [first, second] = group;
    first.halt();
    let end = second.end();
    let expected = format!("rank 0 at 127.0.0.1:{port} does not answer; look at what it said last");
    assert_eq!(end.said.as_ref().unwrap_err(), &expected);
    assert!(end.seconds < 30.0, "{} s", end.seconds);
}

#[test]
fn a_rank_that_ends_while_others_come_is_named() {
    let port = free_port();
    let mut group = [0, 1].map(|rank| Process::start("join", rank, 3, port, &[LONGER]));
    wait_a_little(&mut group);
    let [first, second] = group;
    second.kill();
    let third = Process::start("join", 2, 3, port, &[LONGER]);
    for process in [first, third] {
        let end = process.end();
        let said = end.said.as_ref().unwrap_err();
        assert!(said.starts_with("rank 1 has ended or cannot be reached; look at"), "{end:?}");
        assert!(end.seconds < 30.0, "{} s", end.seconds);
    }
}

#[test]
fn what_should_be_equal_is_a_warning() {
    let port = free_port();
    let cpus = ["AVX2", "AVX512"];
    let processes = (0..2).map(|rank| Process::start("join", rank, 2, port, &[(CPU, cpus[rank])])).collect();
    for result in results(processes) {
        assert_eq!(result, "CPU differs: rank 0 has `AVX2`, rank 1 has `AVX512`");
    }
}

#[test]
fn two_processes_of_one_rank_end_all() {
    let port = free_port();
    let processes = [0, 1, 1].map(|rank| Process::start("join", rank, 3, port, &[]));
    for process in processes {
        let end = process.end();
        let expected = "two processes say that they are rank 1; give each process its own RANK";
        assert!(end.said.as_ref().unwrap_err().starts_with(expected), "{end:?}");
        assert!(end.seconds < 15.0, "{} s", end.seconds);
    }
}

#[test]
fn half_of_the_environment_is_an_error() {
    let said = failure(Process::alone("join", &[("RANK", "0"), ("MASTER_PORT", "29500")]));
    assert!(
        said.starts_with("WORLD_SIZE, LOCAL_RANK, MASTER_ADDR must be set, too; torchrun sets"),
        "{said}"
    );
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let interface = |name| [("GLOO_SOCKET_IFNAME", name), SHORT];
    let said = failure(Process::start("join", 0, 1, free_port(), &interface("nosuch0")));
    assert!(said.starts_with("rank 0 has no network interface nosuch0 with an address"), "{said}");
    #[cfg(target_os = "linux")]
    assert_eq!(results(Process::group("join", 2, &interface("lo"))), ["", ""]);
}

#[test]
fn an_agent_may_serve_the_store_for_one_start_after_another() {
    let port = free_port();
    let mut server = Process::start("serve", 0, 1, port, &[("TORCHELASTIC_RESTART_COUNT", "9")]);
    server.wait_for("ready");
    for (start, size) in [("0", 3), ("1", 2)] {
        let agent = [("TORCHELASTIC_USE_AGENT_STORE", "True"), ("TORCHELASTIC_RESTART_COUNT", start)];
        let group = (0..size).map(|rank| Process::start("bytes", rank, size, port, &agent)).collect();
        let expected = format!("{:?}", (0..size).map(|rank| vec![rank; rank]).collect::<Vec<_>>());
        assert_eq!(results(group), vec![expected; size]);
    }
}
