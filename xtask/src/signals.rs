//! Ctrl-C and SIGTERM while a program runs that has something to save.
//!
//! Such a program is in a process group of its own: what this program is told it tells that one, once, and
//! waits for it. At other times a signal ends this program as usual.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicI32, Ordering};

/// The signal that was passed on; 0: none.
static STOPPED: AtomicI32 = AtomicI32::new(0);

/// The exit code of a program that was stopped by a signal, as shells have it.
pub fn stopped() -> Option<u8> {
    let signal = STOPPED.load(Ordering::SeqCst);
    (signal != 0).then(|| 128 + signal as u8)
}

/// Starts a program that is told of signals, and waited for with [`wait`].
///
/// # Errors
/// It cannot be started.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    #[cfg(unix)]
    return unix::spawn(command);
    #[cfg(not(unix))]
    command.spawn()
}

/// Waits for a program that [`spawn`] started.
///
/// # Errors
/// It cannot be waited for.
pub fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    let status = child.wait();
    #[cfg(unix)]
    unix::forget();
    status
}

#[cfg(unix)]
mod unix {
    use std::os::unix::process::CommandExt;
    use std::sync::{Mutex, MutexGuard, Once, PoisonError};

    use rustix::process::{Pid, Signal, kill_process_group};
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    use super::*;

    /// Who is told.
    static CHILD: Mutex<Option<Pid>> = Mutex::new(None);

    fn child() -> MutexGuard<'static, Option<Pid>> {
        CHILD.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn spawn(command: &mut Command) -> io::Result<Child> {
        static LISTEN: Once = Once::new();
        LISTEN.call_once(listen);
        // Who listens waits until it is known whom to tell.
        let mut told = child();
        let child = command.process_group(0).spawn()?;
        *told = Some(Pid::from_child(&child));
        Ok(child)
    }

    pub fn forget() {
        *child() = None;
    }

    fn listen() {
        // Without a listener signals end this program, and the other one goes on: nothing is lost.
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
        std::thread::spawn(move || {
            for signal in signals.forever() {
                match (*child(), Signal::from_named_raw(signal)) {
                    (Some(group), Some(named)) => {
                        STOPPED.store(signal, Ordering::SeqCst);
                        let _ = kill_process_group(group, named);
                    }
                    _ => drop(emulate_default_handler(signal)),
                }
            }
        });
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_signal_is_passed_on_and_waited_for() {
        let mut program = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "signals::tests::the_program_that_is_stopped", "--ignored", "--nocapture"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.ends_with("ready")), "it has started its child");
        let sent = Command::new("kill").args(["-TERM", &program.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let said: Vec<String> = lines.collect();
        assert!(
            said.iter().any(|line| line == "its child ended with 7, itself it is to end with 143"),
            "{said:?}"
        );
        assert!(program.wait().unwrap().success());
    }

    /// Not a test: the test above starts this program again, with this name, to send it a signal.
    #[test]
    #[ignore = "started by the test above as a process of its own; alone it would wait for a signal"]
    fn the_program_that_is_stopped() {
        let mut command = Command::new("sh");
        command.args(["-c", "trap 'sleep 0.2; exit 7' TERM; echo ready; while true; do sleep 0.05; done"]);
        let mut child = spawn(command.stdin(Stdio::null())).unwrap();
        let code = wait(&mut child).unwrap().code().unwrap();
        println!("its child ended with {code}, itself it is to end with {}", stopped().unwrap());
    }
}
