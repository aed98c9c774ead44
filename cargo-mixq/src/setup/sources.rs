//! A digest of mixq's sources: what a program was made from. The build script of this crate has this file,
//! too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What the tool is made from, relative to this crate's folder. The crates beside it are not there in a
/// package of a registry, which names their exact versions.
const SOURCES: [&str; 6] = [
    "src",
    "../mixq-build/src",
    "../mixq-c10d/c10d",
    "../mixq-c10d/src",
    "../mixq-format/src",
    "../mixq-rt/src",
];

/// What the names of sources end in: Rust and C++.
const ENDINGS: [&str; 3] = ["cpp", "h", "rs"];

/// The folders of sources that are there.
pub fn folders(package: &Path) -> Vec<PathBuf> {
    SOURCES.iter().map(|folder| package.join(folder)).filter(|folder| folder.is_dir()).collect()
}

/// FNV-1a of names and contents of all sources, 16 hexadecimal digits.
///
/// # Errors
/// A file or folder that cannot be read.
pub fn digest(package: &Path) -> io::Result<String> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for folder in folders(package) {
        let mut files = Vec::new();
        sources(&folder, &mut files)?;
        files.sort();
        for file in files {
            let name = file.strip_prefix(&folder).unwrap_or(&file);
            let contents = fs::read(&file)?;
            add(name.as_os_str().as_encoded_bytes());
            // Lengths keep the end of one from being the beginning of the next.
            add(&(contents.len() as u64).to_le_bytes());
            add(&contents);
        }
    }
    Ok(format!("{hash:016x}"))
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            sources(&path, files)?;
        } else if path.extension().is_some_and(|extension| ENDINGS.iter().any(|ending| extension == *ending))
        {
            files.push(path);
        }
    }
    Ok(())
}
