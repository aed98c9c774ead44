//! `cargo mixq retrain` in several processes: the same artifact for any number of them, and what is said when
//! one of them is lost or is about something else.

use std::net::TcpListener;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use fastrand::Rng;
use mixq_tests::package::Package;

use super::retrain::{bytes, package, send};

/// The command with one thread in each process.
fn retrain(package: &Package) -> Command {
    let mut command = super::retrain::retrain(package);
    command.env("OMP_NUM_THREADS", "1");
    command
}

/// A port that nothing listens at.
fn port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// One rank of several, as torchrun starts it.
fn rank(package: &Package, rank: usize, size: usize, port: u16) -> Child {
    let mut command = retrain(package);
    command
        .envs([("RANK", rank), ("LOCAL_RANK", rank), ("WORLD_SIZE", size)].map(|(k, v)| (k, v.to_string())));
    command.envs([("MASTER_ADDR", "127.0.0.1".to_string()), ("MASTER_PORT", port.to_string())]);
    command.spawn().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

/// The artifact of a training from nothing in this number of processes.
fn artifact(package: &Package, processes: usize) -> Vec<u8> {
    let _ = std::fs::remove_dir_all(package.path("target"));
    let _ = std::fs::remove_file(package.artifact());
    let mut command = retrain(package);
    if processes > 1 {
        command.args(["--processes", &processes.to_string()]);
    }
    let output = command.output().unwrap();
    print_figures(&format!("{processes} processes"), &output);
    bytes(package)
}

/// Speeds of a training, and the share of the time that its processes exchanged.
fn print_figures(name: &str, output: &Output) {
    assert!(output.status.success(), "{}", text(output));
    let stdout = String::from_utf8_lossy(&output.stdout);
    let json: serde_json::Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!(json["trained"], true);
    let figure = |phase: &str, what: &str| json[format!("{phase}_{what}")].as_f64().unwrap_or(0.0);
    for phase in ["float", "quantised"] {
        let [speed, seconds] = ["images_per_second", "seconds"].map(|what| figure(phase, what));
        let share = 100.0 * figure(phase, "exchange_seconds") / seconds;
        println!("{name}, {phase}: {speed:.0} images/s, {share:.0} % of the time for exchange");
    }
}

/// Epochs that are done.
fn epochs(package: &Package) -> usize {
    let metrics = std::fs::read_to_string(package.path("target/mixq/tiny-metrics.jsonl"));
    metrics.unwrap_or_default().lines().count()
}

/// Waits until an epoch more is done.
fn after_an_epoch(package: &Package) {
    let before = epochs(package);
    let start = Instant::now();
    while epochs(package) == before {
        assert!(start.elapsed() < Duration::from_secs(120), "it trains");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn any_number_of_processes_makes_the_same_artifact() {
    let package = package("epochs = 2, quantised-epochs = 2, batch = 50, shards = 12, rotation = 10");
    let alone = artifact(&package, 1);
    for processes in 2..=4 {
        assert!(artifact(&package, processes) == alone, "{processes} processes");
    }
    // Fewer parts are another training; with one part it is that of a single process, whoever helps.
    let whole = self::package("epochs = 2, quantised-epochs = 1, batch = 50");
    let expected = artifact(&whole, 1);
    assert!(artifact(&whole, 2) == expected);
    std::fs::remove_file(whole.artifact()).unwrap();
    let output = retrain(&whole).args(["--processes", "2"]).output().unwrap();
    let said = text(&output);
    assert!(said.contains("1 of 2 processes have no part of any batch: `shards` is 1"), "{said}");
    assert!(expected != alone);
}

/// Depthwise layers, sensitivity, teachers: all that a usual training has.
#[test]
fn a_mobilenet_is_the_same_too() {
    let mut random = Rng::with_seed(1);
    let rows: String = (0..90)
        .map(|image| {
            let base = 60 * (image % 3) as u8;
            let pixels = (0..1024).map(|_| format!("{},", base + random.u8(..60))).collect::<String>();
            format!("{pixels}{}\n", image % 3)
        })
        .collect();
    let package = package("epochs = 2, quantised-epochs = 2, batch = 36, shards = 12, validation = 0.3");
    package.write("images.csv", &rows);
    package.replace("Cargo.toml", "test = 100", "test = 15");
    let network = "{ builtin = \"mobilenet_v1\", width = 0.25, resolution = 32, channels = 1, classes = 3 }";
    package.replace("Cargo.toml", "network = \"net.toml\"", &format!("network = {network}"));
    package.replace("Cargo.toml", "scheme =", "policy = \"sensitivity\"\nscheme =");
    let manifest = std::fs::read_to_string(package.path("Cargo.toml")).unwrap();
    let sizes = ["flash", "ram"].map(|key| {
        let line = manifest.lines().find(|line| line.starts_with(&format!("{key} ="))).unwrap();
        (line.to_string(), format!("{key} = \"{} KiB\"", if key == "flash" { 600 } else { 40 }))
    });
    sizes.iter().for_each(|(line, own)| package.replace("Cargo.toml", line, own));
    let alone = artifact(&package, 1);
    for processes in 2..=4 {
        assert!(artifact(&package, processes) == alone, "{processes} processes");
    }
}

/// Three hosts, each a network namespace, with 10 ms, 100 Mbit/s and 0.1 % loss on their links.
#[test]
#[ignore = "needs root, `ip` and /dev/net/tun; prints times: --nocapture"]
fn hosts_with_slow_links_make_the_same_artifact() {
    let package = package("epochs = 2, quantised-epochs = 2, batch = 50, shards = 12, rotation = 10");
    let alone = artifact(&package, 1);
    let links =
        [("fast links", &[][..]), ("slow links", &["--delay", "10", "--rate", "100", "--loss", "0.1"][..])];
    for (name, options) in links {
        std::fs::remove_dir_all(package.path("target")).unwrap();
        std::fs::remove_file(package.artifact()).unwrap();
        let trainer = retrain(&package);
        let mut hosts = Command::new("python3");
        hosts.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/network/hosts.py")).args(options);
        hosts.args(["--hosts", "3", "--"]).arg(trainer.get_program()).args(trainer.get_args());
        let variables = trainer.get_envs().filter_map(|(name, value)| Some((name, value?)));
        hosts.envs(variables).current_dir(package.path("."));
        let start = Instant::now();
        let output = hosts.output().unwrap();
        println!("3 hosts, {name}: {:.1} s in all", start.elapsed().as_secs_f64());
        print_figures(&format!("3 hosts, {name}"), &output);
        assert!(bytes(&package) == alone, "{name}");
    }
}

/// Whoever is killed: all others end within ten seconds and name that rank; any number goes on from there.
#[test]
fn a_killed_process_is_named_and_another_number_goes_on() {
    let package = package("epochs = 12, quantised-epochs = 1, batch = 50, shards = 12");
    let expected = artifact(&package, 1);
    for lost in [0, 2] {
        std::fs::remove_dir_all(package.path("target")).unwrap();
        std::fs::remove_file(package.artifact()).unwrap();
        let port = port();
        let mut ranks: Vec<Child> = (0..3).map(|index| rank(&package, index, 3, port)).collect();
        after_an_epoch(&package);
        let mut killed = ranks.remove(lost);
        killed.kill().unwrap();
        killed.wait().unwrap();
        let start = Instant::now();
        for child in ranks {
            let output = child.wait_with_output().unwrap();
            let said = text(&output);
            assert!(!output.status.success() && said.contains(&format!("rank {lost}")), "{lost}: {said}");
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        // Two go on where three were, and come to the same.
        let output = retrain(&package).args(["--processes", "2"]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        assert!(bytes(&package) == expected, "rank {lost} was killed");
    }
}

/// A signal to the launcher, or to one of its processes: all save, and any number goes on.
#[test]
fn a_stopped_training_is_saved_by_all() {
    let package = package("epochs = 40, quantised-epochs = 1, batch = 16, shards = 4");
    let expected = artifact(&package, 1);
    std::fs::remove_dir_all(package.path("target")).unwrap();
    std::fs::remove_file(package.artifact()).unwrap();
    let mut command = retrain(&package);
    let child = command.args(["--processes", "2"]).spawn().unwrap();
    after_an_epoch(&package);
    send("TERM", &child);
    let output = child.wait_with_output().unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(143), "{said}");
    assert!(said.contains("all of it is saved"), "{said}");
    let port = port();
    let ranks: Vec<Child> = (0..3).map(|index| rank(&package, index, 3, port)).collect();
    after_an_epoch(&package);
    // The last one alone is told to stop.
    send("INT", &ranks[2]);
    for child in ranks {
        let output = child.wait_with_output().unwrap();
        assert!(text(&output).contains("all of it is saved"), "{}", text(&output));
    }
    let output = retrain(&package).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(bytes(&package) == expected);
}

#[test]
fn the_launcher_says_what_a_process_has_failed_of() {
    let package = package("epochs = 1, quantised-epochs = 1, shards = 2");
    let output = retrain(&package).args(["--processes", "2", "--model", "other"]).output().unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("`other`"), "{said}");
}

#[test]
fn processes_with_other_settings_do_not_train_together() {
    let packages = [5, 6].map(|epochs| package(&format!("epochs = {epochs}, quantised-epochs = 1")));
    let port = port();
    let children: Vec<Child> =
        packages.iter().enumerate().map(|(index, package)| rank(package, index, 2, port)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = text(&output);
        assert!(!output.status.success(), "{said}");
        for expected in ["rank 0", "rank 1", "training.epochs", "5", "6"] {
            assert!(said.contains(expected), "{expected} is not in {said}");
        }
    }
}

#[test]
fn half_of_an_environment_is_refused() {
    let package = package("epochs = 1, quantised-epochs = 1");
    let output = retrain(&package).env("RANK", "0").env("WORLD_SIZE", "2").output().unwrap();
    let said = text(&output);
    assert!(!output.status.success(), "{said}");
    for missing in ["LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"] {
        assert!(said.contains(missing), "{said}");
    }
}
