//! Writing an artifact: the file is the old one or the new one, and is read to the bit.

use std::path::Path;

use mixq_build::engine::artifact::{self, State};
use mixq_format::Artifact;
use mixq_tests::package::{MODEL, Package};

use crate::state;

#[test]
fn what_would_not_be_read_again_is_not_written() {
    let package = Package::new();
    let mut artifact = package.write_fresh_artifact();
    let old = std::fs::read(package.artifact()).unwrap();
    artifact.header.logit_scale = f64::NAN;
    let problem = artifact::write(&package.artifact(), &artifact).unwrap_err();
    assert!(problem.message.ends_with("would not be read as it is written"), "{problem}");
    assert_eq!(std::fs::read(package.artifact()).unwrap(), old);
}

#[test]
fn what_is_written_is_read_to_the_bit() {
    let package = Package::new();
    let artifact = package.write_fresh_artifact();
    assert_eq!(state(&package), State::Fresh(Box::new(artifact.clone())));
    let bytes = std::fs::read(package.artifact()).unwrap();
    assert_eq!(Artifact::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    assert_eq!(artifact::path(&package.path(""), MODEL), package.path("models/tiny.mixq"));
}

#[test]
fn readers_see_the_old_file_or_the_new_one() {
    let package = Package::new();
    let old = package.write_fresh_artifact();
    let mut new = old.clone();
    new.header.accuracy.float = 0.125;
    new.header.labels = vec!["a".repeat(100_000), "b".to_string()];
    let (path, done) = (package.artifact(), std::sync::atomic::AtomicBool::new(false));
    let (old_bytes, new_bytes) = (old.to_bytes(), new.to_bytes());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..60 {
                artifact::write(&path, if turn % 2 == 0 { &new } else { &old }).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Release);
        });
        while !done.load(std::sync::atomic::Ordering::Acquire) {
            let found = std::fs::read(&path).expect("there is always a file");
            assert!(found == old_bytes || found == new_bytes, "{} bytes", found.len());
        }
    });
    assert_eq!(files(path.parent().unwrap()), ["tiny.mixq"]);
}

fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn what_cannot_be_written_leaves_what_was_there() {
    let package = Package::new();
    let artifact = package.write_fresh_artifact();
    let refused = |path: &Path| {
        let problem = artifact::write(path, &artifact).unwrap_err();
        assert!(problem.message.starts_with(&format!("cannot write {}: ", path.display())), "{problem}");
        problem
    };
    // A folder in the file's place: the last step, the renaming, fails.
    let folder = package.path("taken");
    std::fs::create_dir_all(folder.join("a.mixq/inside")).unwrap();
    refused(&folder.join("a.mixq"));
    assert_eq!(files(&folder), ["a.mixq"], "nothing is left behind");
    assert_eq!(files(&folder.join("a.mixq")), ["inside"]);
    // A file in the folder's place: the first step fails.
    package.write("file", "old");
    refused(&package.path("file/a.mixq"));
    assert_eq!(std::fs::read(package.path("file")).unwrap(), b"old");
}

/// Whoever may write everywhere (root) may write here too: then the file must be the new one.
#[cfg(unix)]
#[test]
fn a_read_only_folder_keeps_its_file() {
    use std::os::unix::fs::PermissionsExt;
    let package = Package::new();
    let old = package.write_fresh_artifact();
    let path = package.artifact();
    let folder = path.parent().unwrap();
    let permit = |mode| std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(0o555);
    let mut new = old.clone();
    new.header.accuracy.float = 0.125;
    let result = artifact::write(&path, &new);
    let others = std::fs::write(folder.join("probe"), b"");
    permit(0o755);
    let found = Artifact::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    match others {
        Ok(()) => assert_eq!((result, found), (Ok(()), new)),
        Err(_) => {
            assert_eq!(found, old);
            assert!(result.unwrap_err().help.unwrap().contains("check the permissions"));
        }
    }
}
