//! Training in several processes: started here (`--processes`), or by torchrun and who does as it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};

use mixq_build::engine::error::{Error, Problem};
use mixq_build::engine::train::Group;

/// How long processes have to end by themselves when another one has failed: they notice it, and say so.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often it is looked whether a process has ended.
const PAUSE: Duration = Duration::from_millis(50);

/// The last lines of a process that are shown if it fails.
const SHOWN: usize = 20;

/// Joins the group that the environment names, if it names one, to train these models.
///
/// # Errors
/// The environment is half set, or the group does not come together.
pub fn join(models: &[&str]) -> Result<Group, Problem> {
    let must = [("version of mixq", env!("CARGO_PKG_VERSION").to_string()), ("models", models.join(", "))];
    let (group, warnings) = Group::join(&must)?;
    if group.rank() == 0 {
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    }
    Ok(group)
}

/// Starts this command once more in each of `processes`, which train together, and waits for all. The first
/// one shows what it does; of the others it is shown what they say at their end, if they fail first.
///
/// # Errors
/// A process cannot be started.
pub fn launch(processes: u16) -> Result<ExitCode, Error> {
    let program = std::env::current_exe()
        .map_err(|error| Problem::new(format!("cannot find this program to start it again: {error}")))?;
    let port = free_port()?;
    let signals = Signals::of_this_process();
    let mut started: Vec<Process> = Vec::new();
    for rank in 0..processes {
        let mut command = Command::new(&program);
        command.args(without_processes(std::env::args_os().skip(1)));
        let environment = [
            ("RANK", rank.to_string()),
            ("LOCAL_RANK", rank.to_string()),
            ("WORLD_SIZE", processes.to_string()),
            ("MASTER_ADDR", "127.0.0.1".to_string()),
            ("MASTER_PORT", port.to_string()),
        ];
        command.envs(environment);
        // As torchrun does: together they have as many threads as processes.
        if std::env::var_os("OMP_NUM_THREADS").is_none() {
            command.env("OMP_NUM_THREADS", "1");
        }
        // A terminal sends Ctrl-C to all processes of a group: so each has its own, and gets it from here.
        command.process_group(0);
        if rank > 0 {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        }
        match command.spawn() {
            Ok(child) => started.push(Process::new(child)),
            Err(error) => {
                started.iter_mut().for_each(Process::kill);
                let message = format!("cannot start process {rank} of {processes}: {error}");
                return Err(Problem::new(message).into());
            }
        }
    }
    Ok(wait(started, &signals))
}

/// A port of this machine that nothing listens at.
fn free_port() -> Result<u16, Problem> {
    let found = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    found.map(|address| address.port()).map_err(|error| {
        Problem::new(format!("the processes cannot talk to each other: there is no free port: {error}"))
    })
}

/// Arguments without `--processes N`.
fn without_processes(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        if argument == "--processes" {
            arguments.next();
        } else if !argument.to_string_lossy().starts_with("--processes=") {
            kept.push(argument);
        }
    }
    kept
}

/// A process that was started, and what it says beside the first one.
struct Process {
    child: Child,
    said: Option<JoinHandle<Vec<String>>>,
    ended: Option<ExitStatus>,
}

impl Process {
    fn new(mut child: Child) -> Process {
        let said = child.stderr.take().map(|pipe| std::thread::spawn(move || last_lines(pipe)));
        Process { child, said, ended: None }
    }

    /// Whether it runs still.
    fn runs(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended.is_none()
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        self.ended = self.child.wait().ok();
    }

    /// Hands a signal on.
    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }
}

/// The last lines that a process writes.
fn last_lines(pipe: impl Read) -> Vec<String> {
    let mut lines = std::collections::VecDeque::new();
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        if lines.len() == SHOWN {
            lines.pop_front();
        }
        lines.push_back(line);
    }
    lines.into()
}

/// Signals that this process has got, and hands on.
struct Signals([(Signal, Arc<AtomicBool>); 2]);

impl Signals {
    fn of_this_process() -> Signals {
        Signals([(SIGINT, Signal::INT), (SIGTERM, Signal::TERM)].map(|(number, signal)| {
            let arrived = Arc::default();
            // Without a handler the signal ends this process, and the others go on.
            let _ = signal_hook::flag::register(number, Arc::clone(&arrived));
            (signal, arrived)
        }))
    }

    fn hand_on(&self, processes: &[Process]) {
        for (signal, _) in self.0.iter().filter(|(_, arrived)| arrived.swap(false, Ordering::SeqCst)) {
            let running = processes.iter().filter(|process| process.ended.is_none());
            running.for_each(|process| process.signal(*signal));
        }
    }
}

/// Waits until all have ended; if one fails, the others are ended too. The answer is the code of the first
/// one that failed.
fn wait(mut processes: Vec<Process>, signals: &Signals) -> ExitCode {
    let mut failed: Option<(usize, Instant)> = None;
    loop {
        let running = processes.iter_mut().filter_map(|process| process.runs().then_some(())).count();
        let failure = |process: &Process| process.ended.is_some_and(|status| !status.success());
        if failed.is_none()
            && let Some(rank) = processes.iter().position(failure)
        {
            failed = Some((rank, Instant::now()));
        }
        if running == 0 {
            break;
        }
        signals.hand_on(&processes);
        if failed.is_some_and(|(_, since)| since.elapsed() > PATIENCE) {
            processes.iter_mut().filter(|process| process.ended.is_none()).for_each(Process::kill);
        }
        std::thread::sleep(PAUSE);
    }
    let Some((rank, _)) = failed else { return ExitCode::SUCCESS };
    let process = &mut processes[rank];
    if let Some(lines) = process.said.take().and_then(|said| said.join().ok()) {
        eprintln!("process {rank} has failed first:");
        lines.iter().for_each(|line| eprintln!("  {line}"));
    }
    let code = process.ended.and_then(|status| status.code());
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launcher_hands_on_all_other_arguments() {
        let of = |line: &str| {
            let kept = without_processes(line.split(' ').map(OsString::from));
            kept.iter().map(|it| it.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of("mixq retrain --processes 3 --force"), "mixq retrain --force");
        assert_eq!(of("mixq retrain --force --processes=12 --json"), "mixq retrain --force --json");
        assert_eq!(of("mixq retrain --model a"), "mixq retrain --model a");
    }
}
