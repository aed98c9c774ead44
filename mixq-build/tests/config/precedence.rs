//! Several places: the package, the workspace above it, and paths.

use std::path::{Path, PathBuf};

use mixq_build::engine::config::Config;
use mixq_build::engine::import::NetworkSource;
use mixq_build::engine::settings::{Scheme, TestPart};
use tempfile::TempDir;

use crate::manifest::{DEVICE, MODEL, PACKAGE, check, write};

#[test]
fn the_nearer_setting_wins_key_by_key() {
    let root = TempDir::new().unwrap();
    write(
        root.path(),
        "workspace.members = [\"crates/firmware\"]\n[workspace.metadata.mixq]\nscheme = \"per-layer\"\n\
         device = { flash = 1000, ram = 9000 }\ntraining = { epochs = 7, batch = 8, seed = 9 }\n",
    );
    let folder = root.path().join("crates/firmware");
    write(
        &folder,
        "[package]\nname = \"firmware\"\n[package.metadata.mixq]\ndevice.flash = 3000\ntraining.batch = 10\n\
         [package.metadata.mixq.models.a]\nnetwork = \"a.toml\"\ndataset = \"a.csv\"\n\
         [package.metadata.mixq.models.b]\nnetwork = \"b.toml\"\ndataset = \"b.csv\"\nram = 4000\n\
         scheme = \"per-channel\"\ntraining = { seed = 11 }\n",
    );
    // A Cargo.toml between that is not a workspace does not count.
    write(&root.path().join("crates"), "[package]\nname = \"between\"\n");
    let config = Config::load(&folder).unwrap();
    assert_eq!(config.workspace_manifest, Some(root.path().join("Cargo.toml")));
    let [a, b] = &config.models[..] else { panic!("{} models", config.models.len()) };
    assert_eq!((a.flash, a.ram, a.scheme), (3000, 5000, Scheme::PerLayer));
    assert_eq!((b.flash, b.ram, b.scheme), (3000, 4000, Scheme::PerChannel));
    assert_eq!((a.training.epochs, a.training.batch, a.training.seed), (Some(7), 10, 9));
    assert_eq!((b.training.epochs, b.training.batch, b.training.seed), (Some(7), 10, 11));
    let ram_at = a.ram_at.as_ref().unwrap();
    assert_eq!(ram_at.path, root.path().join("Cargo.toml"));
    assert_eq!((ram_at.line(), ram_at.column()), (4, 32));
    assert_eq!(b.ram_at.as_ref().unwrap().path, folder.join("Cargo.toml"));
}

/// The nearer one wins as a whole; a path is relative to the file that has it.
#[test]
fn network_and_dataset_of_all_models() {
    let root = TempDir::new().unwrap();
    write(
        root.path(),
        "workspace.members = [\"firmware\"]\n[workspace.metadata.mixq]\nnetwork = \"all.toml\"\n\
         dataset = { path = \"all.csv\", test = 7, max = 16 }\n",
    );
    let folder = root.path().join("firmware");
    let models = |own: &str| {
        write(&folder, &format!("{PACKAGE}{DEVICE}[package.metadata.mixq.models]\n{own}"));
        Config::load(&folder).unwrap().models
    };
    let [a, b] = &models("a = {}\nb = { network = \"resnet8\", dataset = \"b.csv\" }\n")[..] else {
        panic!()
    };
    let above = root.path().join("Cargo.toml");
    assert_eq!(a.network, NetworkSource::File(root.path().join("all.toml")));
    assert_eq!((&a.dataset.path, a.dataset.max), (&root.path().join("all.csv"), 16));
    assert_eq!(a.dataset.test, Some(TestPart::Rows(7)));
    let at = [&a.network_at, &a.dataset_at].map(|at| at.as_ref().unwrap());
    assert_eq!(at.map(|at| (&at.path, at.line())), [(&above, 3), (&above, 4)]);
    assert!(matches!(&b.network, NetworkSource::Builtin(builtin) if builtin.name == "resnet8"));
    assert_eq!((&b.dataset.path, b.dataset.max, b.dataset.test), (&folder.join("b.csv"), 255, None));
    // The package is nearer than the workspace.
    let package = "a = {}\n[package.metadata.mixq]\nnetwork = \"own.toml\"\ndataset = \"$MIXQ_DATA/own\"\n";
    let [a] = &models(package)[..] else { panic!() };
    assert_eq!(a.network, NetworkSource::File(folder.join("own.toml")));
    assert_eq!(a.dataset.shared.as_deref(), Some(Path::new("own")));
}

#[test]
fn what_is_wrong_with_the_network_of_all_models_is_said_once() {
    let both = "[package.metadata.mixq]\nnetwork = ^\"none\"\ndataset = ^3\nmodels = { a = {}, b = {} }\n";
    check(
        &format!("{PACKAGE}{DEVICE}{both}"),
        &[
            "`network` is `none`, which is neither a .toml, .onnx or .tflite file nor a \
             built-in network; known are `ds_cnn`, `mobilenet_v1`, `mobilenet_v2`, \
             `mobilenet_v3_small`, `resnet8`, `shufflenet_v2`, \
             `squeezenet`",
            "`dataset` is an integer, it must be a file's path or a table",
        ],
    );
}

#[test]
fn the_packages_own_workspace_is_the_nearest() {
    let root = TempDir::new().unwrap();
    write(root.path(), "[workspace]\nmetadata.mixq.device.flash = 1\n");
    let folder = root.path().join("firmware");
    let own = "[workspace.metadata.mixq.device]\nflash = 2\nram = 3\n";
    write(&folder, &format!("{PACKAGE}{own}{MODEL}"));
    let config = Config::load(&folder).unwrap();
    assert_eq!((config.models[0].flash, config.models[0].ram), (2, 3));
    assert_eq!(config.workspace_manifest, Some(folder.join("Cargo.toml")));
}

#[test]
fn problems_of_both_files_are_told_at_once() {
    let root = TempDir::new().unwrap();
    write(
        root.path(),
        "[workspace]\nmetadata.mixq.models = {}\nmetadata.mixq.training.epochs = -1\nmembers = \
         [\"firmware\"]\n",
    );
    let folder = root.path().join("firmware");
    write(&folder, &format!("{PACKAGE}{DEVICE}{MODEL}scheme = 8\nnetwrk = 1\n"));
    let error = Config::load(&folder).unwrap_err();
    let own = folder.join("Cargo.toml");
    let above = root.path().join("Cargo.toml");
    let expected = [
        format!("{}:9:10: `scheme` is an integer, it must be a string | scheme = 8", own.display()),
        format!(
            "{}:10:1: unknown key `netwrk` in [package.metadata.mixq.models.digits]; did you mean `network`? \
             | netwrk = 1",
            own.display()
        ),
        format!(
            "{}:2:15: unknown key `models` in [workspace.metadata.mixq]; known are `device`, `network`, \
             `dataset`, `task`, `scheme`, `policy`, `delta`, `execution`, `training` | \
             metadata.mixq.models = {{}}",
            above.display()
        ),
        format!(
            "{}:3:33: `epochs` is -1, it must be 0 or more | metadata.mixq.training.epochs = -1",
            above.display()
        ),
    ];
    assert_eq!(error.to_string().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_missing_cargo_toml() {
    let folder = TempDir::new().unwrap();
    let error = Config::load(folder.path()).unwrap_err();
    let start = format!("cannot read {}: ", folder.path().join("Cargo.toml").display());
    assert!(error.to_string().starts_with(&start), "{error}");
}

#[test]
fn paths_are_as_given() {
    // Tests run in the package's folder; this package has no models.
    let error = Config::load(Path::new("")).unwrap_err();
    let at = error.problems[0].location.as_ref().unwrap();
    assert_eq!(at.path, PathBuf::from("Cargo.toml"));
    assert!(error.problems[0].message.starts_with("there are no models"), "{error}");
}
