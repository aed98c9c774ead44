//! Recordings of sensors: windows of CSV, WAV and `.ts` files, and their groups.

use std::collections::BTreeSet;
use std::fmt::Write;

use mixq_build::engine::config::{DatasetConfig, Group, InputConfig, RecordingConfig, Short};
use mixq_build::engine::dataset::{Dataset, digest};
use mixq_build::engine::graph::Shape;
use mixq_format::SampleChannel;

use crate::given::Given;
use crate::samples::SERIES;
use crate::written::*;

pub fn load_as(
    given: &Given,
    shape: Shape,
    recordings: RecordingConfig,
) -> Result<(Dataset, Vec<String>), String> {
    let input = Some(InputConfig::default());
    let config = DatasetConfig { recordings, input, ..DatasetConfig::new(&given.path) };
    let mut heard = Heard::default();
    let root = |text: &str| text.replace(&given.path.display().to_string(), "ROOT");
    match Dataset::load(&config, shape, 2, &mut heard) {
        Ok(dataset) => Ok((dataset, heard.warnings.iter().map(|warning| root(warning)).collect())),
        Err(error) => Err(root(&error.to_string())),
    }
}

pub fn windows(window: usize, step: usize) -> RecordingConfig {
    RecordingConfig { window: Some(window), step: Some(step), ..RecordingConfig::default() }
}

/// Rows of a recording of a subject: the first channel is its number, the second counts rows from 0 within
/// 250.
fn rows(subject: usize, class: &str, count: usize) -> String {
    (0..count).map(|row| format!("{subject},{},{class},s{subject}\n", row % 250)).collect()
}

/// The whole numbers that the codes of two channels stand for.
fn values(dataset: &Dataset, codes: &[u8]) -> Vec<u8> {
    let channels = dataset.samples[0].iter().cycle();
    let value = |(code, channel): (&u8, &SampleChannel)| {
        (channel.scale() * f64::from(i32::from(*code) - channel.codes.zero_point)).round() as u8
    };
    codes.iter().zip(channels).map(value).collect()
}

/// The subject that a window is of, and its first row.
fn window(dataset: &Dataset, codes: &[u8]) -> (u8, u8) {
    let values = values(dataset, codes);
    for (row, pixel) in values.chunks(2).enumerate() {
        assert_eq!(pixel[0], values[0], "windows are of one subject");
        assert_eq!(pixel[1], values[1] + row as u8, "rows follow each other");
    }
    (values[0], values[1])
}

#[test]
fn windows_are_cut_where_class_and_group_stay_and_groups_are_on_one_side() {
    let mut text = "x,count,activity,subject\n".to_string();
    for subject in 0..6 {
        text += &rows(subject, "walk", 23);
        text += &rows(subject, "run", 14);
    }
    let given = Given::file("d.csv", text.as_bytes());
    let recordings = RecordingConfig { group: Group::Column("subject".to_string()), ..windows(5, 3) };
    let config = DatasetConfig {
        recordings,
        targets: Some(vec!["activity".to_string()]),
        ..DatasetConfig::new(&given.path)
    };
    let dataset = Dataset::load(&config, SERIES, 2, &mut ()).unwrap();
    assert_eq!(dataset.labels, ["run", "walk"]);
    // Of 23 rows 7 windows of 5 every 3, of 14 rows 4.
    assert_eq!(dataset.train.len() + dataset.test.len(), 6 * 11);
    assert_eq!(dataset.groups.len(), dataset.train.len());
    let subjects = |part: &mixq_build::engine::dataset::Split| -> BTreeSet<u8> {
        (0..part.len()).map(|index| window(&dataset, part.image(index)).0).collect()
    };
    let (train, test) = (subjects(&dataset.train), subjects(&dataset.test));
    assert!(train.is_disjoint(&test) && train.len() + test.len() == 6, "{train:?} {test:?}");
    assert!(test.len() >= 2, "{test:?}");
    let starts: Vec<u8> = (0..11).map(|index| window(&dataset, dataset.train.image(index)).1).collect();
    assert_eq!(starts, [0, 3, 6, 9, 12, 15, 18, 0, 3, 6, 9]);
    assert_eq!(dataset.train.targets.labels()[..11], [1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
    // Windows on their own are split by image.
    let alone = RecordingConfig {
        group: Group::Window,
        columns: Some(vec!["x".into(), "count".into()]),
        ..windows(5, 3)
    };
    let config = DatasetConfig { recordings: alone, ..config };
    let alone = Dataset::load(&config, SERIES, 2, &mut ()).unwrap();
    assert!(alone.groups.is_empty());
    assert_eq!(alone.train.len() + alone.test.len(), 6 * 11);
}

#[test]
fn few_groups_are_an_error_that_says_what_helps() {
    let text = |subjects: usize| -> String {
        let rows = |subject| rows(subject, "walk", 20) + &rows(subject, "run", 20);
        "x,count,label,subject\n".to_string() + &(0..subjects).map(rows).collect::<String>()
    };
    let group = || RecordingConfig { group: Group::Column("subject".to_string()), ..windows(5, 5) };
    let help = "; record more groups, four or more; or set group = false in the dataset's table: then \
                windows of a recording are on both sides, and scores are too good";
    let said = load_as(&Given::file("d.csv", text(1).as_bytes()), SERIES, group()).unwrap_err();
    assert_eq!(
        said,
        "ROOT: windows of a group stay together, and there is 1 group (s0): no group is left \
         for the test part"
            .to_string()
            + help
    );
    let said = load_as(&Given::file("d.csv", text(3).as_bytes()), SERIES, group()).unwrap_err();
    assert!(said.contains("there are 3 groups (s0, s1, s2): `s"), "{said}");
    assert!(said.contains("would be the whole test part") && said.ends_with(help), "{said}");
    assert!(load_as(&Given::file("d.csv", text(4).as_bytes()), SERIES, group()).is_ok());
}

/// A recording of a file; blank lines are between the parts.
fn csv(parts: &[&str]) -> Vec<u8> {
    ("x,count\n".to_string() + &parts.join("\n")).into_bytes()
}

fn part(number: usize, rows: usize) -> String {
    (0..rows).map(|row| format!("{number},{row}\n")).collect()
}

#[test]
fn names_of_files_say_classes_and_blank_lines_end_recordings() {
    let file = |name: &str, first: usize| {
        let parts: Vec<String> = (first..first + 5).map(|number| part(number, 12)).collect();
        (name.to_string(), csv(&parts.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    let files =
        vec![file("ann_up.csv", 0), file("ben_up.csv", 5), file("ann_down.csv", 10), file("x.csv", 0)];
    let given = Given::folder(&files);
    let named = |files: &str| RecordingConfig { files: Some(files.to_string()), ..windows(5, 3) };
    let (dataset, warnings) = load_as(&given, SERIES, named("*_{class}.csv")).unwrap();
    assert_eq!(warnings, ["ROOT: not of the form `*_{class}.csv`, and not used, are x.csv"]);
    assert_eq!(dataset.labels, ["down", "up"]);
    // 15 parts of three windows; a part is a group.
    assert_eq!(dataset.train.len() + dataset.test.len(), 45);
    let parts = |split: &mixq_build::engine::dataset::Split| -> BTreeSet<u8> {
        (0..split.len()).map(|index| window(&dataset, split.image(index)).0).collect()
    };
    assert!(parts(&dataset.train).is_disjoint(&parts(&dataset.test)));
    for (index, class) in dataset.test.targets.labels().into_iter().enumerate() {
        assert_eq!(class == 0, window(&dataset, dataset.test.image(index)).0 >= 10);
    }
    let said = load_as(&given, SERIES, named("{class}-*.csv")).unwrap_err();
    assert_eq!(
        said,
        "ROOT has no file whose name has the form `{class}-*.csv`, as `files` says; it has ann_down.csv, \
         ann_up.csv, ben_up.csv, x.csv"
    );
    let said = load_as(&given, SERIES, windows(5, 3)).unwrap_err();
    assert!(said.starts_with("ROOT has recordings in no folder of a class: ann_down.csv"), "{said}");
    assert!(said.contains("files = \"{group}_{class}.csv\""), "{said}");
    // The same in an archive, with a folder around.
    let packed: Files = files.iter().map(|(name, bytes)| (format!("d/{name}"), bytes.clone())).collect();
    let archive = Given::file("d.tar.zst", &zstd(&tar(&packed)));
    assert_eq!(load_as(&archive, SERIES, named("*_{class}.csv")).unwrap().0.train, dataset.train);
}

#[test]
fn wrong_values_and_wrong_lengths_are_named() {
    let file = |text: &str| Given::file("d.csv", text.as_bytes());
    let text = "x,count,label\n1,2,a\n1,nan,a\n\n1,,a\n-inf,1,b\n1,2\n1,zwei,b\n1,2e50,a\n";
    let said = load_as(&file(text), SERIES, windows(5, 5)).unwrap_err();
    let expected = [
        "ROOT row 3: column 2 (count): `nan` is not a finite number",
        "ROOT row 4: column 2 (count): is empty",
        "ROOT row 5: column 1 (x): `-inf` is not a finite number",
        "ROOT row 6: it has 2 columns, the first row has 3",
        "ROOT row 7: column 2 (count): `zwei` is not a number",
        "ROOT: and 1 more wrong rows",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    let text = |count| "x,count,label\n".to_string() + &rows3("a", count) + &rows3("b", 30);
    let said = load_as(&file(&text(4)), SERIES, windows(5, 5)).unwrap_err();
    assert_eq!(
        said,
        "ROOT: a window of 5 rows is longer than the recording at row 2 (4 rows); short = \"pad\" in the \
         dataset's table repeats the last row, \"skip\" leaves it out; or give the network a shorter input"
    );
    let said = load_as(&file(&text(7)), SERIES, windows(6, 5)).unwrap_err();
    assert!(
        said.starts_with("ROOT: `window` is 6 rows of 2 columns, but the network's input 1x5x2"),
        "{said}"
    );
    let said = load_as(&file(&text(7)), SERIES, RecordingConfig::default()).unwrap_err();
    assert!(
        said.contains("longer is the recording at row 2 (7 rows), at row 9 (30 rows); window = 5"),
        "{said}"
    );
    let wide = Shape { channels: 3, ..SERIES };
    let said = load_as(&file(&text(7)), wide, windows(5, 5)).unwrap_err();
    assert!(
        said.starts_with("ROOT has 2 columns of samples (x, count), but the network's input 1x5x3 has 3"),
        "{said}"
    );
    let group = RecordingConfig { group: Group::Column("who".to_string()), ..windows(5, 5) };
    let said = load_as(&file(&text(7)), SERIES, group).unwrap_err();
    assert_eq!(
        said,
        "ROOT row 1: no column has the name `who`, as `group` says; the columns are `x`, `count`, `label`"
    );
}

fn rows3(class: &str, count: usize) -> String {
    (0..count).map(|row| format!("7,{row},{class}\n")).collect()
}

#[test]
fn short_recordings_are_filled_up_or_left_out() {
    let parts: Vec<String> =
        [3, 5, 5, 5, 5, 5].iter().enumerate().map(|(at, rows)| part(at, *rows)).collect();
    let text = csv(&parts.iter().map(String::as_str).collect::<Vec<_>>());
    let files = vec![("a/x.csv".to_string(), text.clone()), ("b/x.csv".to_string(), text)];
    let given = Given::folder(&files);
    let short = |short| RecordingConfig { short, ..RecordingConfig::default() };
    let (dataset, warnings) = load_as(&given, SERIES, short(Short::Skip)).unwrap();
    assert_eq!(dataset.train.len() + dataset.test.len(), 10);
    assert!(
        warnings[0].starts_with("ROOT: 2 recordings are shorter than a window of 5 rows and are left out")
    );
    let (dataset, _) = load_as(&given, SERIES, short(Short::Pad)).unwrap();
    let all: Vec<Vec<u8>> = [&dataset.train, &dataset.test]
        .into_iter()
        .flat_map(|part| (0..part.len()).map(|index| values(&dataset, part.image(index))))
        .collect();
    assert_eq!(all.len(), 12);
    assert_eq!(all.iter().filter(|window| window.ends_with(&[0, 2, 0, 2, 0, 2])).count(), 2);
}

/// A WAV file of 16-bit samples, by its format.
fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let bytes = 2 * samples.len() as u32;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(channels) * 2).to_le_bytes());
    file.extend((channels * 2).to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

#[test]
fn sounds_in_folders_of_classes() {
    let frame = Shape { height: 1, width: 8, channels: 1 };
    let sound = |first: i16| -> Vec<i16> { (0..20).map(|at| first + 100 * at).collect() };
    let mut files = Files::new();
    for (number, name) in ["no/a", "no/b", "no/c", "yes/a", "yes/b", "yes/c"].into_iter().enumerate() {
        files.push((format!("{name}.wav"), wav(8000, 1, &sound(1000 * number as i16 - 3000))));
    }
    let (dataset, _) = load_as(&Given::folder(&files), frame, windows(8, 4)).unwrap();
    assert_eq!(dataset.labels, ["no", "yes"]);
    assert_eq!((dataset.train.len(), dataset.test.len()), (4 * 4, 2 * 4));
    assert_eq!(dataset.samples[0][0].unit, 1.0);
    let step = dataset.samples[0][0].scale();
    let codes = dataset.train.image(0);
    assert!((f64::from(codes[7]) - f64::from(codes[0]) - 700.0 / step).abs() <= 1.0, "{codes:?} {step}");

    let slow = with(files.clone(), &[("yes/c.wav", &wav(4000, 1, &sound(0)))]);
    let said = load_as(&Given::folder(&slow), frame, windows(8, 4)).unwrap_err();
    assert_eq!(said, "ROOT: yes/c.wav has 4000 samples a second, files before it have 8000");
    let stereo = with(files.clone(), &[("yes/c.wav", &wav(8000, 2, &sound(0)))]);
    let said = load_as(&Given::folder(&stereo), frame, windows(8, 4)).unwrap_err();
    assert!(said.contains("no/a.wav has 1 columns of samples, yes/c.wav has 2"), "{said}");
    let cut = with(files, &[("yes/c.wav", &wav(8000, 1, &sound(0))[..60])]);
    let said = load_as(&Given::folder(&cut), frame, windows(8, 4)).unwrap_err();
    assert!(said.starts_with("ROOT: yes/c.wav is "), "{said}");
}

const TS: &str = "# about\n@problemName P\n@timeStamps false\n@classLabel true up down\n@data\n";

pub fn cases(count: usize, first: usize) -> String {
    let mut text = TS.to_string();
    for case in first..first + count {
        let row =
            |factor: usize| (0..5).map(|at| (case + factor * at).to_string()).collect::<Vec<_>>().join(",");
        let _ = writeln!(text, "{}:{}:{}", row(1), row(3), if case % 2 == 0 { "up" } else { "down" });
    }
    text
}

#[test]
fn series_of_the_archives_have_a_test_part_beside_them() {
    let write = |train: &str, test: &str| {
        let files = [("P_TRAIN.ts", train), ("P_TEST.ts", test)];
        let files = files.iter().map(|(name, text)| (name.to_string(), text.as_bytes().to_vec())).collect();
        let mut given = Given::folder(&files);
        given.path.push("P_TRAIN.ts");
        given
    };
    let given = write(&cases(8, 0), &cases(4, 8));
    let (dataset, _) = load_as(&given, SERIES, RecordingConfig::default()).unwrap();
    assert_eq!(dataset.labels, ["down", "up"]);
    assert_eq!((dataset.train.len(), dataset.test.len()), (8, 4));
    assert_eq!(values(&dataset, dataset.train.image(1)), [1, 1, 2, 4, 3, 7, 4, 10, 5, 13]);
    assert_eq!(dataset.test.targets.labels(), [1, 0, 1, 0]);
    // Both files count, their line ends do not.
    let of = |given: &Given| digest(&given.path, None).unwrap();
    assert_eq!(of(&given), of(&write(&cases(8, 0).replace('\n', "\r\n"), &cases(4, 8))));
    assert_ne!(of(&given), of(&write(&cases(8, 0), &cases(4, 6))));
    assert_ne!(of(&given), of(&write(&cases(8, 1), &cases(4, 8))));

    let broken = cases(2, 0) + "1,2,3,4,5:1,2,3,4:up\n1,?,3,4,5:1,2,3,4,5:up\n1,2,3,4,x:1,2,3,4,5:up\n";
    let said = load_as(&write(&broken, &cases(4, 8)), SERIES, RecordingConfig::default()).unwrap_err();
    let expected = [
        "ROOT line 8: dimension 0 has 5 values, dimension 1 has 4",
        "ROOT line 9: dimension 0, value 1, counted from 0: it is missing",
        "ROOT line 10: dimension 0, value 4, counted from 0: `x` is not a number",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    let times = cases(4, 0).replace("@timeStamps false", "@timeStamps true");
    let said = load_as(&write(&times, &cases(4, 8)), SERIES, RecordingConfig::default()).unwrap_err();
    assert!(said.contains("its values have time stamps, which mixq does not read"), "{said}");
}
