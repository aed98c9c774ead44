//! Mutations for an engine that goes on from cases: other cases, with checksums that are right again.

use fastrand::Rng;
use mixq_format::Artifact;
use mixq_fuzz::seeds::tables::{csv, gz, ungz, unzst, zeros_gz, zst};
use mixq_fuzz::seeds::zip::{unzip, zip};
use mixq_fuzz::seeds::{Kind, Member};
use mixq_fuzz::{ALL, find};

/// Mutations of a case by a target, each with the next seed; the engine changes a byte.
fn mutated(target: &str, case: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let target = find(target).unwrap();
    (0..200).map(|seed| {
        let mut engine = |bytes: &mut Vec<u8>| {
            let middle = bytes.len() / 2;
            bytes.get_mut(middle).into_iter().for_each(|byte| *byte ^= 0x10);
        };
        (target.mutate)(&mut Rng::with_seed(seed), case.to_vec(), &mut engine)
    })
}

#[test]
fn every_target_makes_other_cases_of_a_case() {
    for target in ALL {
        let case = (target.generate)(&mut Rng::with_seed(7));
        let others = mutated(target.name, &case).filter(|other| *other != case).count();
        assert!(others > 100, "{}: {others} of 200", target.name);
    }
}

#[test]
fn any_bytes_can_be_mutated() {
    let texts: [&[u8]; 6] = [b"", b"\0", b"[]", &[0xff; 700], b"PK\x05\x06", b"\x89PNG\r\n\x1a\n"];
    for target in ALL {
        assert!(texts.iter().all(|case| mutated(target.name, case).count() == 200), "{}", target.name);
    }
    // Headers that are JSON, but not that of an artifact.
    for header in ["[]", "3", "{}", r#"{"layers": [3, {"layer": 4}], "output": []}"#] {
        let case = mixq_fuzz::seeds::networks::file(header.as_bytes(), &[0; 40]);
        assert_eq!(mutated("artifact", &case).count(), 200, "{header}");
    }
}

#[test]
fn mutated_artifacts_have_the_right_checksum() {
    let artifact = mixq_fuzz::seeds::networks::artifact(&mut Rng::with_seed(3));
    let mut messages: Vec<String> = mutated("artifact", &artifact.to_bytes())
        .filter_map(|case| Artifact::from_bytes(&case).err())
        .map(|error| error.to_string())
        .collect();
    messages.sort();
    messages.dedup();
    assert!(messages.len() > 5, "{messages:?}");
    assert!(!messages.iter().any(|message| message.contains("checksum")), "{messages:?}");
}

#[test]
fn mutated_images_have_right_checksums() {
    let file = mixq_fuzz::seeds::images::uniform_png(4, 4);
    let errors = mutated("images", &file).filter_map(|case| image::load_from_memory(&case).err());
    let wrong = errors.filter(|error| error.to_string().contains("CRC")).count();
    // Of the crate's own mutations, each eighth.
    assert!(wrong < 30, "{wrong} of 200");
}

#[test]
fn what_is_compressed_is_mutated_within() {
    let table = csv(&mut Rng::with_seed(1));
    let unpacked: Vec<Vec<u8>> =
        mutated("csv_gz", &gz(table.as_bytes())).filter_map(|case| ungz(&case)).collect();
    assert!(unpacked.len() >= 140, "{} of 200", unpacked.len());
    assert!(unpacked.iter().filter(|other| **other != table.as_bytes()).count() >= 140);
}

#[test]
fn what_is_unpacked_is_what_was_packed_and_never_large() {
    assert_eq!(ungz(&gz(b"text")).as_deref(), Some(&b"text"[..]));
    assert_eq!(unzst(&zst(b"text")).as_deref(), Some(&b"text"[..]));
    assert_eq!(ungz(&zeros_gz(1)), None);
    assert_eq!(unzst(b"no Zstandard"), None);
    let tree = vec![
        Member::file("a/0.png", [7; 700]),
        Member { name: "b/".into(), kind: Kind::Folder, bytes: Vec::new() },
    ];
    assert_eq!(unzip(&zip(&mut Rng::with_seed(1), &tree)), tree);
}
