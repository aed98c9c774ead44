//! What is kept of a dataset in the cache folder: images and digests. Whatever becomes of these files, the
//! dataset is what its file says.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use mixq_build::engine::config::DatasetConfig;
use mixq_build::engine::dataset::{Dataset, digest};

use super::datasets::{SMALL, check};
use super::messages::refused;
use crate::mutate::bytes;
use crate::seeds::tables::csv;
use crate::{Target, Verdict};

pub(super) const IMAGES: Target = Target {
    name: "kept_images",
    generate: mutations,
    mutate: |rng, _, _| mutations(rng),
    read: |case, scratch| read(case, scratch, "images"),
};

pub(super) const INDEX: Target = Target {
    name: "kept_index",
    generate: mutations,
    mutate: |rng, _, _| mutations(rng),
    read: |case, scratch| read(case, scratch, "index"),
};

/// A case is the seed of the mutations of the kept file: that file names folders, hence is not the same
/// everywhere.
fn mutations(rng: &mut Rng) -> Vec<u8> {
    rng.u64(..).to_le_bytes().to_vec()
}

fn read(case: &[u8], scratch: &Path, extension: &str) -> Verdict {
    let path = scratch.join("d.csv");
    let table = csv(&mut Rng::with_seed(1));
    if fs::read(&path).ok().as_deref() != Some(table.as_bytes()) {
        fs::write(&path, table).expect("the scratch folder can be written to");
        // Only of files of some age is a digest kept.
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        let file = fs::File::options().write(true).open(&path).expect("it was written");
        file.set_modified(old).expect("the time of an own file can be set");
    }
    let cache = scratch.join("cache");
    let config = DatasetConfig::new(&path);
    let load = |cache: Option<&Path>| Dataset::load_with_digest(&config, cache, SMALL[0], 3, &mut ());
    let (expected, _) = load(None).expect("the dataset is valid");
    let expected_digest = digest(&path, None).expect("the dataset can be read");
    load(Some(&cache)).expect("the dataset is valid");
    let Some(kept) = kept(&cache, extension) else { return Verdict::Refused };
    let intact = fs::read(&kept).expect("what is kept can be read");
    let mut seed = [0; 8];
    seed.iter_mut().zip(case).for_each(|(to, from)| *to = *from);
    let mut mutated = intact.clone();
    bytes(&mut Rng::with_seed(u64::from_le_bytes(seed)), &mut mutated, 4);
    // A new file takes the name: the old one may still be mapped.
    fs::remove_file(&kept).expect("what is kept can be removed");
    fs::write(&kept, &mutated).expect("the cache folder can be written to");
    let verdict = match load(Some(&cache)) {
        Ok((dataset, _)) => {
            check(&dataset, SMALL[0], 3);
            assert!(dataset == expected, "what was kept and is damaged makes another dataset");
            // Who does not believe the file makes it anew.
            let believed = fs::read(&kept).is_ok_and(|now| now == mutated);
            if believed { Verdict::Accepted } else { Verdict::Refused }
        }
        Err(error) => {
            refused(&error);
            panic!("a dataset is refused for what was kept of it: {error}");
        }
    };
    assert_eq!(
        digest(&path, Some(&cache)),
        Ok(expected_digest),
        "what was kept and is damaged makes another digest"
    );
    verdict
}

/// The file in the cache with this extension.
fn kept(cache: &Path, extension: &str) -> Option<PathBuf> {
    let files = fs::read_dir(cache).ok()?.flatten().map(|entry| entry.path());
    files.into_iter().find(|path| path.extension().is_some_and(|found| found == extension))
}
