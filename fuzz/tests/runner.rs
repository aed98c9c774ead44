//! What the runner must notice, on a reader that does all that no reader may do.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs the command on a corpus; whether it succeeds, and its line of JSON.
fn fuzz(corpus: &Path, arguments: &[&str]) -> (bool, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_mixq-fuzz"))
        .args(arguments)
        .args(["--json", "--corpus"])
        .arg(corpus)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    let value = serde_json::from_str(last);
    (output.status.success(), value.unwrap_or_else(|_| panic!("{output:?}")))
}

#[test]
fn a_panic_a_hang_and_too_much_memory_or_stack_are_found_and_named() {
    let corpus = tempfile::tempdir().unwrap();
    let folder = corpus.path().join("misbehaving");
    std::fs::create_dir(&folder).unwrap();
    for case in ["accepted", "hang", "memory", "panic", "refused", "stack"] {
        std::fs::write(folder.join(case), case).unwrap();
    }
    let (success, value) = fuzz(corpus.path(), &["misbehaving", "--seconds", "0"]);
    assert!(!success && value["passed"] == false);
    let target = &value["targets"][0];
    let found: Vec<(&str, &str)> = (target["failures"].as_array().unwrap().iter())
        .map(|failure| (failure["case"].as_str().unwrap(), failure["what"].as_str().unwrap()))
        .collect();
    let expected = [
        ("corpus file hang", "hangs: waits for over 5 s"),
        ("corpus file memory", "memory allocation of 1610612736 bytes failed"),
        ("corpus file panic", "this case panics"),
        ("corpus file stack", "stack overflow"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((case, what), (expected_case, part)) in found.into_iter().zip(expected) {
        assert!(case == expected_case && what.contains(part), "{case}: {what}");
    }
    // Those that ended the process were not counted.
    assert_eq!(target["corpus_files"], 3);
}

#[test]
fn a_new_case_that_fails_is_kept_and_replayed() {
    let corpus = tempfile::tempdir().unwrap();
    let (success, value) = fuzz(corpus.path(), &["misbehaving", "--seconds", "0.05", "--seed", "1"]);
    assert!(!success);
    let failure = &value["targets"][0]["failures"][0];
    assert_eq!(failure["case"], "seed 1");
    let file = Path::new(failure["file"].as_str().unwrap());
    assert_eq!(std::fs::read(file).unwrap(), b"panic");
    let (success, value) = fuzz(corpus.path(), &["misbehaving", "--seconds", "0"]);
    assert!(!success);
    let name = file.file_name().unwrap().to_string_lossy();
    assert_eq!(value["targets"][0]["failures"][0]["case"], format!("corpus file {name}"));
    assert_eq!(value["targets"][0]["cases"], 0);
    let (success, value) =
        fuzz(&corpus.path().join("empty"), &["misbehaving", "--seconds", "0.05", "--seed", "2"]);
    assert!(success && value["passed"] == true);
    assert_eq!(value["targets"][0]["accepted_share"], 1.0);
}

#[test]
fn every_case_that_ever_failed_is_read_as_it_should_be() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let (success, value) = fuzz(&corpus, &["--seconds", "0"]);
    let targets = value["targets"].as_array().unwrap();
    let failures: Vec<_> = targets.iter().flat_map(|target| target["failures"].as_array().unwrap()).collect();
    assert!(success && failures.is_empty(), "{failures:#?}");
    for target in targets {
        let folder = corpus.join(target["target"].as_str().unwrap());
        let there = std::fs::read_dir(folder).map_or(0, |files| files.count() as u64);
        assert_eq!(target["corpus_files"], there, "{}", target["target"]);
    }
}

#[test]
fn an_unknown_target_is_named_with_those_that_there_are() {
    let output = Command::new(env!("CARGO_BIN_EXE_mixq-fuzz")).arg("artefact").output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("there is no target `artefact`; targets are artifact, macro, network"), "{error}");
}
