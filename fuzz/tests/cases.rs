//! What cases are made from is valid where it should be, and checksums are right again after mutations.

use std::io::Read;

use fastrand::Rng;
use mixq_format::Artifact;
use mixq_fuzz::seeds::tables::{csv, gz, zeros_gz, zeros_zst, zst};
use mixq_fuzz::seeds::tree::{mutate_tar, tar, untar};
use mixq_fuzz::seeds::zip::zip;
use mixq_fuzz::seeds::{Kind, Member, images, networks};
use mixq_fuzz::{ALL, Verdict, mutate};

#[test]
fn the_same_seed_makes_the_same_case() {
    for target in ALL {
        let case = |seed| (target.generate)(&mut Rng::with_seed(seed));
        assert!((0..5).all(|seed| case(seed) == case(seed)), "{}", target.name);
        assert!((1..20).any(|seed| case(seed) != case(0)), "{} makes one case only", target.name);
    }
}

#[test]
fn every_target_accepts_some_cases_and_refuses_others() {
    for target in ALL
        .iter()
        .filter(|target| ["csv", "npz", "artifact", "memory_x", "onnx", "tflite"].contains(&target.name))
    {
        let folder = tempfile::tempdir().unwrap();
        let read = |seed| (target.read)(&(target.generate)(&mut Rng::with_seed(seed)), folder.path());
        let verdicts: Vec<Verdict> = (0..60).map(read).collect();
        assert!(verdicts.contains(&Verdict::Accepted), "{} accepts nothing", target.name);
        assert!(verdicts.contains(&Verdict::Refused), "{} refuses nothing", target.name);
    }
}

#[test]
fn artifacts_are_valid_before_they_are_mutated() {
    for seed in 0..200 {
        let artifact = networks::artifact(&mut Rng::with_seed(seed));
        let header = serde_json::to_vec(&artifact.header).unwrap();
        let file = networks::file(&header, &artifact.parameters);
        assert_eq!(Artifact::from_bytes(&file), Ok(artifact), "seed {seed}");
    }
}

#[test]
fn a_tar_file_holds_what_was_put_into_it() {
    let member = |name: &str, kind, bytes: &[u8]| Member { name: name.into(), kind, bytes: bytes.to_vec() };
    let tree = vec![
        member("a/0.png", Kind::File, &[7; 700]),
        member("a/loop", Kind::Link, b".."),
        member("a/again.png", Kind::HardLink, b"a/0.png"),
        member("pipe", Kind::Pipe, b""),
        member("b", Kind::Folder, b""),
        member("b/empty", Kind::File, b""),
    ];
    assert_eq!(untar(&tar(&tree)), tree);
}

#[test]
fn headers_of_tar_files_have_right_checksums_after_mutations() {
    let archive = tar(&[Member::file("a/0.png", [1; 40]), Member::file("b/0.png", [2; 600])]);
    for seed in 0..300 {
        let mut mutated = archive.clone();
        mutate_tar(&mut Rng::with_seed(seed), &mut mutated);
        let mut read = ::tar::Archive::new(&mutated[..]);
        let first = read.entries().unwrap().next().unwrap();
        let said = first.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(!said.contains("checksum"), "seed {seed}: {said}");
    }
}

#[test]
fn images_are_valid_before_they_are_mutated_and_large_ones_are_small_files() {
    for seed in 0..100 {
        let file = images::image(&mut Rng::with_seed(seed));
        image::load_from_memory(&file).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    let file = images::uniform_png(3000, 2000);
    assert!(file.len() < 3000);
    let image = image::load_from_memory(&file).unwrap();
    assert_eq!((image.width(), image.height()), (3000, 2000));
}

#[test]
fn a_mutated_png_has_right_checksums() {
    let mut file = images::uniform_png(4, 4);
    // The width, in the first chunk.
    file[19] = 8;
    assert!(image::load_from_memory(&file).is_err_and(|error| error.to_string().contains("CRC")));
    images::mend_png(&mut file);
    let error = image::load_from_memory(&file).map(|image| image.width());
    assert!(!error.is_err_and(|error| error.to_string().contains("CRC")));
}

#[test]
fn compressed_cases_unpack_to_what_they_are_made_from() {
    let table = csv(&mut Rng::with_seed(1));
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&gz(table.as_bytes())[..]).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, table);
    let mut unpacked = Vec::new();
    let packed = zst(table.as_bytes());
    ruzstd::decoding::StreamingDecoder::new(&packed[..]).unwrap().read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, table.as_bytes());
}

#[test]
fn zeros_are_large_when_unpacked_and_small_when_not() {
    let packed = zeros_zst(b"first", 100);
    assert!(packed.len() < 500);
    let mut unpacked = Vec::new();
    ruzstd::decoding::StreamingDecoder::new(&packed[..]).unwrap().read_to_end(&mut unpacked).unwrap();
    assert_eq!((&unpacked[..6], unpacked.len()), (&b"first\0"[..], 5 + 100 * (128 << 10)));
    let packed = zeros_gz(3);
    assert!(packed.len() < 250_000);
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked.len(), 3 * (16 << 20));
}

#[test]
fn a_zip_file_holds_what_was_put_into_it() {
    let tree = [Member::file("a/0.png", [7; 700]), Member::file("b.txt", *b"text")];
    for seed in 0..10 {
        let file = zip(&mut Rng::with_seed(seed), &tree);
        let mut archive = ::zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
        for (index, member) in tree.iter().enumerate() {
            let mut bytes = Vec::new();
            archive.by_index(index).unwrap().read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, member.bytes);
        }
    }
}

#[test]
fn texts_and_bytes_change_and_never_grow_without_bounds() {
    for seed in 0..500 {
        let rng = &mut Rng::with_seed(seed);
        let text = mutate::text(rng, networks::MANIFEST, 3);
        assert!(text.len() < networks::MANIFEST.len() + 4 * 100, "seed {seed}");
        let mut bytes = vec![1; 100];
        mutate::bytes(rng, &mut bytes, 4);
        assert!(bytes.len() < 100 + 4 * 64, "seed {seed}");
    }
}
