//! What `include_model!` says to people who misuse it. After a change of wording: `TRYBUILD=overwrite`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use mixq_format::{Artifact, Bits, FORMAT_VERSION};
use mixq_tests::{frames, networks};

fn mixq_bytes() -> Vec<u8> {
    let mut artifact: Artifact = networks::weighted(Bits::B4, Bits::B4);
    artifact.header.name = "digits".to_string();
    artifact.to_bytes()
}

#[test]
fn include_model_explains_what_is_wrong() {
    // trybuild compiles all that the package of a test depends on. The cases need little of that of this one.
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("compile-fail");
    std::env::set_current_dir(&package).unwrap();
    temp_env::with_var("CARGO_MANIFEST_DIR", Some(package), check_cases);
}

fn check_cases() {
    // Where trybuild compiles the cases: models lie in the package, as in a user's.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder in the target folder");
    let models = target.join("tests/trybuild/mixq-compile-fail/models");
    fs::create_dir_all(&models).unwrap();
    let right = mixq_bytes();
    let mut damaged = right.clone();
    damaged[right.len() / 2] ^= 1;
    let mut future = right.clone();
    future[4..8].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    fs::write(models.join("digits.mixq"), &right).unwrap();
    let mut other = networks::weighted(Bits::B4, Bits::B4);
    other.header.name = "faces".to_string();
    fs::write(models.join("faces.mixq"), other.to_bytes()).unwrap();
    fs::write(models.join("fed8.mixq"), frames::fed()[2].to_bytes()).unwrap();
    fs::write(models.join("damaged.mixq"), damaged).unwrap();
    fs::write(models.join("truncated.mixq"), &right[..10]).unwrap();
    fs::write(models.join("future.mixq"), future).unwrap();

    let portable = OsStr::new("portable");
    temp_env::with_vars([("MIXQ_MODELS", Some(models.as_os_str())), ("MIXQ_TARGET", Some(portable))], || {
        let cases = trybuild::TestCases::new();
        cases.compile_fail("cases/misspelt.rs");
        cases.compile_fail("cases/unknown.rs");
        cases.compile_fail("cases/damaged.rs");
        cases.compile_fail("cases/truncated.rs");
        cases.compile_fail("cases/other_version.rs");
        cases.compile_fail("cases/syntax.rs");
        cases.compile_fail("cases/hostile_tables.rs");
        cases.compile_fail("cases/frames.rs");
    });
    let arena = |bytes: usize| {
        [
            ("MIXQ_MODELS", Some(models.display().to_string())),
            ("MIXQ_TARGET", Some("portable".to_string())),
            ("MIXQ_ARENA_BYTES", Some(bytes.to_string())),
        ]
    };
    temp_env::with_vars(arena(other.ram_bytes()), || {
        trybuild::TestCases::new().compile_fail("cases/two_at_once.rs");
    });
    temp_env::with_vars(arena(8), || {
        trybuild::TestCases::new().compile_fail("cases/small_arena.rs");
    });
    temp_env::with_var("MIXQ_MODELS", Some(models.join("none")), || {
        trybuild::TestCases::new().compile_fail("cases/no_models.rs");
    });
    temp_env::with_var_unset("MIXQ_MODELS", || {
        trybuild::TestCases::new().compile_fail("cases/no_build_script.rs");
    });
}
