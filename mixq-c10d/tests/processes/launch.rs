//! Starting processes of a group, and what becomes of them.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Says which of the things in `worker` a process does.
pub const ROLE: &str = "MIXQ_TEST_ROLE";
/// Milliseconds that a process waits for the others, while it joins and in calls.
pub const JOINING: &str = "MIXQ_TEST_JOINING";
pub const CALLS: &str = "MIXQ_TEST_CALLS";

/// Nothing in these tests takes longer.
const LONGEST: Duration = Duration::from_secs(60);

/// Variables of one process, beside those of torchrun.
pub type Variables<'a> = &'a [(&'a str, &'a str)];

/// A free port. It is not one of those that systems give to who wants any: gloo wants many of them
/// at the same time.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id() as u16;
    loop {
        let port = 12_000 + start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

/// A process that was started.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
    start: Instant,
}

/// How a process has ended.
#[derive(Debug)]
pub struct End {
    /// What it says: the result, or the error.
    pub said: Result<String, String>,
    /// Since it was started.
    pub seconds: f64,
}

impl Process {
    /// One process of a group at a port of this machine.
    pub fn start(role: &str, rank: usize, size: usize, port: u16, variables: Variables) -> Process {
        let (rank, size, port) = (rank.to_string(), size.to_string(), port.to_string());
        let group = [
            ("RANK", rank.as_str()),
            ("LOCAL_RANK", &rank),
            ("WORLD_SIZE", &size),
            ("MASTER_ADDR", "127.0.0.1"),
            ("MASTER_PORT", &port),
        ];
        Process::alone(role, &[&group, variables].concat())
    }

    /// A process with these variables alone.
    pub fn alone(role: &str, variables: Variables) -> Process {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["worker::process", "--exact", "--ignored", "--nocapture"]);
        let foreign = ["TORCH", "GLOO_", "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_"];
        for (name, _) in std::env::vars_os() {
            if foreign.iter().any(|start| name.to_string_lossy().starts_with(start)) {
                command.env_remove(name);
            }
        }
        command.env("OMP_NUM_THREADS", "1").env(ROLE, role).envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start = Instant::now();
        let mut child = command.spawn().unwrap();
        let (send, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut stderr = child.stderr.take().unwrap();
        let errors = Some(thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text).unwrap_or_else(|error| error.to_string())
        }));
        Process { child, lines, errors, start }
    }

    /// All processes of a group.
    pub fn group(role: &str, size: usize, variables: Variables) -> Vec<Process> {
        let port = free_port();
        (0..size).map(|rank| Process::start(role, rank, size, port, variables)).collect()
    }

    /// Waits until the process says this.
    pub fn wait_for(&mut self, wanted: &str) {
        let end = Instant::now() + LONGEST;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if line == wanted {
                return;
            }
            assert!(!line.starts_with("error: "), "{line}");
        }
        panic!("the process never said `{wanted}`");
    }

    /// Fails if the process has ended.
    pub fn is_there(&mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None);
    }

    /// As `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it, without an end, as a machine does that hangs.
    pub fn halt(&self) {
        let status = Command::new("kill").args(["-STOP", &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits until it has ended. c10d may not have printed anything.
    pub fn end(mut self) -> End {
        let end = Instant::now() + LONGEST;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "the process does not end");
            thread::sleep(Duration::from_millis(20));
        };
        let seconds = self.start.elapsed().as_secs_f64();
        let errors = self.errors.take().unwrap().join().unwrap();
        assert_eq!(errors, "");
        let lines: Vec<String> = self.lines.iter().collect();
        let line = |start: &str| lines.iter().find_map(|line| line.strip_prefix(start)).map(String::from);
        let said = match (status.success(), line("result: "), line("error: ")) {
            (true, Some(result), None) => Ok(result),
            (false, None, Some(error)) => Err(error),
            _ => panic!("{status}: {lines:#?}"),
        };
        // Shown if the test fails.
        println!("after {seconds:.1} s: {said:?}");
        End { said, seconds }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A test that fails leaves nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The results of all processes of a group, which are to succeed.
pub fn results(processes: Vec<Process>) -> Vec<String> {
    processes.into_iter().map(|process| process.end().said.unwrap()).collect()
}

/// What a process says that is to fail.
pub fn failure(process: Process) -> String {
    process.end().said.unwrap_err()
}
