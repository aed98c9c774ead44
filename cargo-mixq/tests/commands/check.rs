//! What commands say of an artifact that is not that of its model.

use mixq_build::engine::artifact;
use mixq_tests::package::Package;

#[test]
fn commands_name_what_differs_in_an_artifact() {
    let (package, other) = (Package::new(), Package::new());
    let own = package.write_fresh_artifact();
    let mixq = |command: &str| {
        let mut mixq = std::process::Command::new(env!("CARGO_BIN_EXE_cargo-mixq"));
        mixq.args(["mixq", command])
            .current_dir(package.path(""))
            .env("CARGO_TARGET_DIR", package.path("target"));
        let output = mixq.output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code(), text)
    };
    std::fs::create_dir(package.path("src")).unwrap();
    package.write("src/lib.rs", "");
    let (code, text) = mixq("check");
    assert!(code == Some(0) && text.contains("is fresh"), "{text}");
    std::fs::remove_file(other.path("images.csv")).unwrap();
    other.replace("net.toml", "[4, 4, 1]", "[8, 8, 1]");
    let mut artifact = other.write_fresh_artifact();
    artifact.header.fingerprint = own.header.fingerprint;
    artifact::write(&package.artifact(), &artifact).unwrap();
    for command in ["check", "eval", "report"] {
        let (code, text) = mixq(command);
        assert_eq!(code, Some(1), "{command}: {text}");
        assert!(text.contains("it takes images of 8x8x1, the network 4x4x1"), "{command}: {text}");
        assert!(!text.contains("panicked"), "{command}: {text}");
    }
}
