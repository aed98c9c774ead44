//! Which workspace's settings hold: that which `cargo locate-project` names, for every layout.

use std::path::{Path, PathBuf};
use std::process::Command;

use mixq_build::engine::config::Config;
use tempfile::TempDir;

use crate::manifest::{MODEL, write};

/// A package with a model, without a budget of its own.
fn package(folder: &Path, lines: &str) {
    let name = folder.file_name().unwrap().to_str().unwrap();
    write(folder, &format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n{lines}\n{MODEL}"));
}

/// A virtual workspace whose device has this number of bytes.
fn workspace(folder: &Path, bytes: u64, lines: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let device = format!("[workspace.metadata.mixq.device]\nflash = {bytes}\nram = {bytes}\n");
    std::fs::write(folder.join("Cargo.toml"), format!("[workspace]\nresolver = \"3\"\n{lines}\n{device}"))
        .unwrap();
}

/// The root that cargo itself names.
fn cargo(folder: &Path) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["locate-project", "--workspace", "--message-format", "plain"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

/// The package's budget is that of the workspace with this number of bytes, or it has none. Cargo agrees
/// about the root.
fn belongs(folder: &Path, root: &Path, bytes: Option<u64>) {
    assert_eq!(cargo(folder), root.join("Cargo.toml"), "{}", folder.display());
    match (Config::load(folder), bytes) {
        (Ok(config), Some(bytes)) => {
            assert_eq!(
                (config.models[0].flash, config.models[0].ram),
                (bytes, bytes),
                "{}",
                folder.display()
            );
            assert_eq!(config.workspace_manifest, Some(root.join("Cargo.toml")));
        }
        (Err(error), None) => {
            assert!(error.to_string().contains("has no budget: `flash` is missing"), "{error}")
        }
        (found, bytes) => panic!("{bytes:?} expected for {}, found {found:?}", folder.display()),
    }
}

#[test]
fn settings_come_from_the_workspace_that_cargo_names() {
    let root = TempDir::new().unwrap();
    let root = root.path().canonicalize().unwrap();
    let outer = root.join("outer");
    workspace(&outer, 1000, "members = [\"crates/*\"]\nexclude = [\"tools\", \"crates/apart\"]");
    let path = "[dependencies]\nbeside = { path = \"../../beside\" }";
    package(&outer.join("crates/member"), path);
    // Of the folder of a workspace, but no member: excluded, by a folder of its own or below one.
    package(&outer.join("crates/apart"), "");
    package(&outer.join("tools/deep/tool"), "");
    // A path dependency is a member.
    package(&outer.join("beside"), "");
    belongs(&outer.join("crates/member"), &outer, Some(1000));
    belongs(&outer.join("beside"), &outer, Some(1000));
    belongs(&outer.join("crates/apart"), &outer.join("crates/apart"), None);
    belongs(&outer.join("tools/deep/tool"), &outer.join("tools/deep/tool"), None);

    // A workspace within an excluded folder; its own member is that one's.
    workspace(&outer.join("tools/inner"), 2000, "members = [\"one\"]");
    package(&outer.join("tools/inner/one"), "");
    belongs(&outer.join("tools/inner/one"), &outer.join("tools/inner"), Some(2000));

    // Named by the package, beside it.
    workspace(&root.join("ws"), 3000, "members = [\"../named\"]");
    package(&root.join("named"), "workspace = \"../ws\"");
    belongs(&root.join("named"), &root.join("ws"), Some(3000));
    // Named, and below another one.
    workspace(&root.join("above"), 4000, "members = []\nexclude = [\"below\"]");
    package(&root.join("above/below"), "workspace = \"../../ws\"");
    workspace(&root.join("ws"), 3000, "members = [\"../named\", \"../above/below\"]");
    belongs(&root.join("above/below"), &root.join("ws"), Some(3000));

    // Its own root, below another.
    package(&outer.join("tools/alone"), "[workspace.metadata.mixq.device]\nflash = 5000\nram = 5000");
    belongs(&outer.join("tools/alone"), &outer.join("tools/alone"), Some(5000));
    // A member of a root that is a package, too.
    let lines =
        "[workspace]\nmembers = [\"part\"]\n[workspace.metadata.mixq.device]\nflash = 6000\nram = 6000";
    package(&root.join("both"), lines);
    package(&root.join("both/part"), "");
    belongs(&root.join("both"), &root.join("both"), Some(6000));
    belongs(&root.join("both/part"), &root.join("both"), Some(6000));
}

#[test]
fn what_cargo_refuses_is_refused_with_its_words() {
    let root = TempDir::new().unwrap();
    workspace(root.path(), 1000, "members = []");
    let folder = root.path().join("stranger");
    package(&folder, "");
    let error = Config::load(&folder).unwrap_err();
    let problem = &error.problems[0];
    assert!(problem.message.contains("cargo does not say which workspace"), "{error}");
    assert!(
        problem.message.contains("current package believes it's in a workspace when it's not"),
        "{error}"
    );
    assert!(!problem.message.contains('\n'), "{error}");
}

/// The command line asks cargo once for all packages.
#[test]
fn a_root_that_is_known_is_not_asked_for() {
    let root = TempDir::new().unwrap();
    workspace(root.path(), 1000, "members = [\"firmware\"]");
    let folder = root.path().join("firmware");
    package(&folder, "");
    let config = Config::read(&folder, Some(&root.path().join("Cargo.toml"))).unwrap();
    assert_eq!(config, Config::load(&folder).unwrap());
    // A package alone is its own root.
    let error = Config::read(&folder, Some(&folder.join("Cargo.toml"))).unwrap_err();
    assert_eq!(error, Config::read(&folder, None).unwrap_err());
}
