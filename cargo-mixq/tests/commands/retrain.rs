//! `cargo mixq retrain` as a process: stopped, killed, on a full disk, on machines with other numbers of
//! processors.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mixq_tests::digits::{BUDGET, SHORT, digits};
use mixq_tests::package::Package;

/// As a program that cargo starts; the number of threads is that of the machine unless a test says otherwise.
pub(super) fn retrain(package: &Package) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-mixq"));
    command.args(["mixq", "retrain", "--json", "--manifest-path"]).arg(package.path("Cargo.toml"));
    command.env_remove("OMP_NUM_THREADS").stdout(Stdio::piped()).stderr(Stdio::piped());
    // What cargo tells its tests is not for the cargo that the command asks.
    command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
    command
}

pub(super) fn package(training: &str) -> Package {
    let package = digits("per-channel", training);
    std::fs::create_dir(package.path("src")).unwrap();
    package.write("src/lib.rs", "");
    package
}

pub(super) fn bytes(package: &Package) -> Vec<u8> {
    std::fs::read(package.artifact()).unwrap()
}

/// Waits until something is so while a training runs.
fn wait(child: &mut Child, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        assert!(start.elapsed() < Duration::from_secs(120), "it trains");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until this number of epochs more is done.
fn after_epochs(package: &Package, child: &mut Child, epochs: usize) {
    let metrics = package.path("target/mixq/tiny-metrics.jsonl");
    let lines = || std::fs::read_to_string(&metrics).unwrap_or_default().lines().count();
    let before = lines();
    wait(child, || lines() >= before + epochs);
}

/// The checkpoints of one phase.
fn kept(package: &Package, phase: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(package.path("target/mixq")).into_iter().flatten();
    let names = files.map(|entry| entry.unwrap().path());
    names.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(phase)).collect()
}

/// Runs it to its end; its answer and what it said.
fn finish(mut command: Command) -> (serde_json::Value, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(status.success(), "{stdout}{stderr}");
    (serde_json::from_str(stdout.lines().last().unwrap()).unwrap(), stderr)
}

/// Removes what a training could go on from, as `cargo clean` does.
fn clean(package: &Package) {
    std::fs::remove_dir_all(package.path("target")).unwrap();
    std::fs::remove_file(package.artifact()).unwrap();
}

pub(super) fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_training_that_is_stopped_saves_and_says_by_which_signal() {
    let package = package("epochs = 20, quantised-epochs = 1, batch = 16");
    finish(retrain(&package));
    let expected = bytes(&package);
    clean(&package);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = retrain(&package).spawn().unwrap();
        after_epochs(&package, &mut child, 1);
        send(signal, &child);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert_eq!(status.code(), Some(code), "{stdout}{stderr}");
        assert!(stderr.contains("saving; press Ctrl-C again to stop at once"), "{stderr}");
        assert!(stderr.contains("all of it is saved") && stdout.contains("interrupted in float"), "{stdout}");
    }
    finish(retrain(&package));
    assert!(bytes(&package) == expected);
}

/// Where writing fails at a checkpoint, the one before stays, and the training goes on from it.
#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_one_before() {
    let package = package("epochs = 20, quantised-epochs = 1, batch = 16");
    finish(retrain(&package));
    let expected = bytes(&package);
    clean(&package);
    let mut child = retrain(&package).spawn().unwrap();
    after_epochs(&package, &mut child, 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let float = || std::fs::read(&kept(&package, "float-")[0]).unwrap();
    let before = float();
    // No file may have more than 8 blocks of 512 or 1,024 bytes: less than a checkpoint has.
    assert!(before.len() > 8 * 1024);
    let program = retrain(&package);
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"]);
    limited.arg(program.get_program()).args(program.get_args()).env_remove("OMP_NUM_THREADS");
    let Output { status, stderr, .. } = limited.output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot write the checkpoint ") && stderr.contains("float-"), "{stderr}");
    assert!(stderr.contains("ulimit -f"), "{stderr}");
    assert!(float() == before);
    finish(retrain(&package));
    assert!(bytes(&package) == expected);
}

/// Four million multiply-accumulates an image: two threads for a batch of 128 where there are two.
const WIDE: &str = r#"
input = [8, 8, 1]
layer = [
    { op = "conv", filters = 64, kernel = 3 },
    { op = "conv", filters = 112, kernel = 3 },
    { op = "global_average_pool" },
    { op = "linear", features = 10 },
]
"#;

#[test]
fn a_training_keeps_its_number_of_threads() {
    let package = package(SHORT);
    package.write("net.toml", WIDE);
    BUDGET.iter().for_each(|(_, tight)| package.replace("Cargo.toml", tight, "1 MiB"));
    // As on machines of one processor and of two.
    let machine = |threads: &str| {
        let mut command = retrain(&package);
        command.env("OMP_NUM_THREADS", threads);
        command
    };
    let threads = |answer: &serde_json::Value| {
        assert!(answer["float_cpu"].as_str().is_some_and(|cpu| !cpu.is_empty()), "{answer}");
        ["float_threads", "quantised_threads"].map(|key| answer[key].as_u64().unwrap())
    };
    for (began, goes_on, phases) in [("1", "2", &["float-", "quantised-"][..]), ("2", "1", &["quantised-"])] {
        let number: u64 = began.parse().unwrap();
        let (answer, said) = finish(machine(began));
        assert_eq!(threads(&answer), [number; 2]);
        assert!(!said.contains("thread"), "{said}");
        let expected = bytes(&package);
        for phase in phases {
            clean(&package);
            let mut child = machine(began).spawn().unwrap();
            wait(&mut child, || !kept(&package, phase).is_empty());
            child.kill().unwrap();
            child.wait().unwrap();
            let (answer, said) = finish(machine(goes_on));
            assert_eq!(threads(&answer), [number; 2], "{said}");
            assert_eq!(said.matches("the float training began with ").count(), 1, "{said}");
            assert!(bytes(&package) == expected, "{began} threads, then {goes_on}");
        }
        clean(&package);
    }
}
