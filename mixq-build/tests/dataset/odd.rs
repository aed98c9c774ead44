//! What is not a file, what is not a dataset, and links.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::{Dataset, digest};
use tempfile::TempDir;

use crate::written::*;

/// What is said of a dataset, by its reader and by its digest, if that comes to an end.
fn said(path: &Path) -> Vec<Result<(), String>> {
    let (sender, receiver) = mpsc::channel();
    let config = DatasetConfig::new(path);
    std::thread::spawn(move || {
        let digest = digest(&config.path, None).map(drop);
        let read = load(&config).map(drop);
        sender.send([digest, read].map(|result| result.map_err(|error| error.to_string()))).unwrap();
    });
    let said = receiver.recv_timeout(Duration::from_secs(60)).expect("it ends");
    let root = path.display().to_string();
    said.into_iter().map(|result| result.map_err(|text| text.replace(&root, "ROOT"))).collect()
}

/// As Windows, macOS and network drives leave it.
#[test]
fn what_systems_leave_behind_is_not_read() {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &small());
    let (expected, before) =
        (load(&DatasetConfig::new(folder.path())).unwrap(), digest(folder.path(), None).unwrap());
    let left = [
        "Thumbs.db",
        "train/Thumbs.db",
        "train/ant/Thumbs.db",
        "train/ant/thumbs.DB",
        "train/ant/desktop.ini",
        "Desktop.ini",
        "test/bee/ehthumbs.db",
        "train/ant/Icon\r",
        "train/bee/.DS_Store",
        "train/bee/._c.png",
        "__MACOSX/train/ant/._a.png",
        "$RECYCLE.BIN/x.png",
        "System Volume Information/x.png",
        "train/ant/@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg",
    ];
    let left: Files = left.into_iter().map(|name| (name.to_string(), b"x".to_vec())).collect();
    write_folder(folder.path(), &left);
    assert_eq!(load(&DatasetConfig::new(folder.path())).unwrap(), expected);
    assert_eq!(digest(folder.path(), None).unwrap(), before);
    let all: Files = small().into_iter().chain(left).collect();
    for (name, packed) in [("d.tar", tar(&all)), ("d.zip", zip(&all))] {
        let folder = TempDir::new().unwrap();
        assert_eq!(
            load(&DatasetConfig::new(write_file(folder.path(), name, &packed))).unwrap(),
            expected,
            "{name}"
        );
    }
}

#[cfg(unix)]
#[test]
fn folders_that_lead_back_to_themselves_end() {
    use std::os::unix::fs::symlink;
    let help = "remove it, or move it out of the dataset";
    for (links, expected) in [
        (
            &[("train/ant/a", "train/ant"), ("train/ant/b", "train/ant")][..],
            "train/ant/a (the same folder as train/ant, by a link), train/ant/b (the same folder as \
             train/ant, by a link)",
        ),
        (&[("train/bee/up", "")], "train/bee/up (the same folder as the dataset itself, by a link)"),
        (&[("train/cow", "train/bee")], "train/cow (the same folder as train/bee, by a link)"),
    ] {
        let folder = TempDir::new().unwrap();
        write_folder(folder.path(), &small());
        for (link, target) in links {
            symlink(folder.path().join(target), folder.path().join(link)).unwrap();
        }
        let expected = Err(format!("ROOT holds what cannot be read: {expected}; {help}"));
        assert_eq!(said(folder.path()), [expected.clone(), expected]);
    }
    // No circle, but 2^40 ways through forty folders.
    let folder = TempDir::new().unwrap();
    let level = |level: usize| folder.path().join(format!("level{level}"));
    for from in 0..40 {
        std::fs::create_dir(level(from)).unwrap();
        for name in ["a", "b"] {
            symlink(level(from + 1), level(from).join(name)).unwrap();
        }
    }
    std::fs::create_dir(level(40)).unwrap();
    let found = said(&level(0))[0].clone().unwrap_err();
    assert!(found.contains("/a/b (the same folder as a/a/"), "{found}");
}

/// A folder of a class, and an image, may well be somewhere else.
#[cfg(unix)]
#[test]
fn links_out_of_the_dataset_are_followed() {
    use std::os::unix::fs::symlink;
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write_folder(elsewhere.path(), &small());
    std::fs::create_dir_all(folder.path().join("train/ant")).unwrap();
    for link in ["train/ant/a.png", "train/ant/b.png", "train/bee", "test"] {
        symlink(elsewhere.path().join(link), folder.path().join(link)).unwrap();
    }
    let expected = load(&DatasetConfig::new(elsewhere.path())).unwrap();
    assert_eq!(load(&DatasetConfig::new(folder.path())).unwrap(), expected);
    assert_eq!(digest(folder.path(), None).unwrap(), digest(elsewhere.path(), None).unwrap());
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_named() {
    use std::os::unix::fs::symlink;
    let folder = TempDir::new().unwrap();
    write_folder(folder.path(), &small());
    let at = |name: &str| folder.path().join(name);
    let made =
        std::process::Command::new("mkfifo").args([at("train/ant/x.png"), at("d.csv")]).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(at("train/bee/s.png")).unwrap();
    symlink("/dev/zero", at("train/bee/z.png")).unwrap();
    symlink("nowhere.png", at("test/ant/gone.png")).unwrap();
    symlink("me.png", at("test/ant/me.png")).unwrap();
    let expected = "ROOT holds what cannot be read: d.csv (a FIFO), test/ant/gone.png (a broken link to \
                    nowhere.png), test/ant/me.png (a broken link to me.png), train/ant/x.png (a FIFO), \
                    train/bee/s.png (a socket) and 1 more; remove it, or move it out of the dataset";
    assert_eq!(said(folder.path()), [Err(expected.to_string()), Err(expected.to_string())]);
    // The dataset itself.
    let no_file = |what: &str| Err(format!("cannot read ROOT: it is {what}; a regular file is needed"));
    assert_eq!(said(&at("d.csv")), [no_file("a FIFO"), no_file("a FIFO")]);
    for name in ["zero.csv", "zero.csv.gz", "zero.npz", "zero.tar", "zero.zip", "zero.tar.zst"] {
        symlink("/dev/zero", at(name)).unwrap();
        assert_eq!(said(&at(name)), [no_file("a device"), no_file("a device")], "{name}");
    }
    for unknown in said(Path::new("/dev/zero")) {
        let unknown = unknown.unwrap_err();
        assert!(unknown.starts_with("ROOT is not a kind of dataset that mixq reads; "), "{unknown}");
    }
}

/// The small dataset, with links in the place of some of its images, and others added.
fn linked(links: &[(&str, &str, tar::EntryType)]) -> Vec<u8> {
    let kept = small().into_iter().filter(|(name, _)| links.iter().all(|(link, ..)| link != name)).collect();
    let mut archive = tar::Builder::new(tar(&kept));
    // The mark at the end is two blocks of zeros.
    let length = archive.get_ref().len() - 1024;
    archive.get_mut().truncate(length);
    for (name, target, kind) in links {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(0);
        archive.append_link(&mut header, name, target).unwrap();
    }
    archive.into_inner().unwrap()
}

fn read_tar(packed: &[u8]) -> Result<Dataset, String> {
    let folder = TempDir::new().unwrap();
    let path = write_file(folder.path(), "d.tar", packed);
    load(&DatasetConfig::new(&path))
        .map_err(|error| error.to_string().replace(&path.display().to_string(), "FILE"))
}

#[test]
fn links_in_archives_are_the_images_that_they_lead_to() {
    use tar::EntryType::{Link, Symlink};
    let as_files = |links: &[(&str, &str)]| {
        let files = small();
        let contents = |wanted: &str| files.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
        let links: Vec<(&str, Vec<u8>)> =
            links.iter().map(|(name, target)| (*name, contents(target))).collect();
        let links: Vec<(&str, &[u8])> = links.iter().map(|(name, file)| (*name, &file[..])).collect();
        read_tar(&tar(&with(small(), &links)))
    };
    let expected =
        as_files(&[("train/ant/b.png", "train/ant/a.png"), ("test/ant/a.png", "train/bee/c.png")]).unwrap();
    let found = linked(&[
        ("train/ant/b.png", "train/ant/a.png", Link),
        ("test/ant/a.png", "../../train/bee/./d.png", Symlink),
        ("train/bee/d.png", "c.png", Symlink),
    ]);
    let found = read_tar(&found).unwrap();
    assert_eq!(found.test, expected.test);
    assert_eq!(found.train.len(), expected.train.len() + 1);
    assert_eq!(found.train.image(1), expected.train.image(1));
    for (target, kind, leads) in [
        ("gone.png", Link, "gone.png"),
        ("../../../a.png", Symlink, "../../../a.png"),
        ("/train/ant/a.png", Symlink, "/train/ant/a.png"),
        ("x.png", Symlink, "train/ant/x.png"),
    ] {
        let says = read_tar(&linked(&[("train/ant/x.png", target, kind)])).unwrap_err();
        let reason =
            format!("train/ant/x.png (it is a link to {leads}, which is not an image in the archive)");
        assert!(says.starts_with(&format!("FILE: 1 of 7 images cannot be read: {reason}; ")), "{says}");
    }
    let says = read_tar(&linked(&[("train/cow", "bee", Symlink)])).unwrap_err();
    let help = "pack it again without links, as `tar --dereference --hard-dereference` does";
    assert_eq!(says, format!("FILE: train/cow is a link to train/bee; {help}"));
    let says = read_tar(&linked(&[("train/ant/f.png", "f", tar::EntryType::Fifo)])).unwrap_err();
    assert!(says.contains("train/ant/f.png (it is not a regular file)"), "{says}");
}

/// Which of two files of one name is meant?
#[test]
fn two_files_of_one_name_are_refused() {
    let twice = [small(), vec![("./train/ant/a.png".to_string(), png(COLOUR, 9))]].concat();
    let expected = "FILE has two files that are called train/ant/a.png; pack it again, without one of them";
    assert_eq!(read_tar(&tar(&twice)).unwrap_err(), expected);
    let refused_zip = |name: &str, packed: &[u8]| {
        let folder = TempDir::new().unwrap();
        let path = write_file(folder.path(), name, packed);
        let error = load(&DatasetConfig::new(&path)).unwrap_err();
        error.to_string().replace(&path.display().to_string(), "FILE")
    };
    assert_eq!(refused_zip("d.zip", &zip(&twice)), expected);
    // Programs that write ZIP files refuse to do so: one name becomes the other in the bytes.
    let renamed = |files: &Files, from: &[u8], to: &[u8]| {
        let mut packed = zip(files);
        let places: Vec<usize> =
            packed.windows(from.len()).enumerate().filter(|(_, w)| *w == from).map(|w| w.0).collect();
        assert_eq!(places.len(), 2, "in front of the file, and in the directory");
        places.into_iter().for_each(|at| packed[at..at + to.len()].copy_from_slice(to));
        packed
    };
    let expected = "FILE has two files that are called the same; pack it again, without one of them";
    let arrays: Files = ["x.npy", "y.npy", "z.npy"].map(|name| (name.to_string(), b"x".to_vec())).into();
    assert_eq!(refused_zip("d.npz", &renamed(&arrays, b"z.npy", b"x.npy")), expected);
    assert_eq!(refused_zip("d.zip", &renamed(&small(), b"train/ant/b.png", b"train/ant/a.png")), expected);
}
