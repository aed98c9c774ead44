//! Samples of sensors: CSV in windows, `.ts` series, WAV in folders of classes.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use fastrand::Rng;
use mixq_build::engine::config::{DatasetConfig, Group, InputConfig, RecordingConfig, Short};
use mixq_build::engine::graph::Shape;

use super::datasets::load;
use crate::mutate::{bytes, mutate_text, text};
use crate::{Target, Verdict};

pub(super) const SAMPLES: Target = Target {
    name: "samples",
    generate: table,
    mutate: mutate_text,
    read: |case, scratch| read(&scratch.join("data.csv"), case, Group::Column("who".to_string())),
};

pub(super) const SERIES: Target = Target {
    name: "series",
    generate: series,
    mutate: mutate_text,
    read: |case, scratch| read(&scratch.join("data.ts"), case, Group::Recording),
};

pub(super) const SOUNDS: Target = Target {
    name: "sounds",
    generate: sound,
    mutate: |_, mut case, engine| {
        engine(&mut case);
        case
    },
    read: |case, scratch| {
        let folder = scratch.join("sounds");
        for class in ["a", "b"] {
            fs::create_dir_all(folder.join(class)).expect("the scratch folder can be written to");
            fs::write(folder.join(class).join("1.wav"), case).expect("the scratch folder can be written to");
        }
        load(&config(&folder, Group::Window), SHAPE, 2)
    },
};

const SHAPE: Shape = Shape { height: 1, width: 6, channels: 2 };

fn config(path: &Path, group: Group) -> DatasetConfig {
    let recordings = RecordingConfig {
        window: Some(6),
        step: Some(2),
        short: Short::Pad,
        group,
        ..RecordingConfig::default()
    };
    DatasetConfig { input: Some(InputConfig::default()), recordings, ..DatasetConfig::new(path) }
}

fn read(path: &Path, case: &[u8], group: Group) -> Verdict {
    fs::write(path, case).expect("the scratch folder can be written to");
    load(&config(path, group), SHAPE, 2)
}

fn number(rng: &mut Rng) -> f64 {
    (rng.f64() - 0.5) * 10f64.powi(rng.i32(-3..5))
}

fn table(rng: &mut Rng) -> Vec<u8> {
    let mut table = "x,y,label,who\n".to_string();
    for row in 0..120 {
        let (x, y) = (number(rng), number(rng));
        let _ = writeln!(table, "{x},{y},{},s{}", ["up", "down"][row / 10 % 2], row / 20);
        if rng.u8(..) < 8 {
            table.push('\n');
        }
    }
    text(rng, &table, 3)
}

fn series(rng: &mut Rng) -> Vec<u8> {
    let mut series = "@timeStamps false\n@classLabel true up down\n@data\n".to_string();
    for case in 0..12 {
        for _ in 0..2 {
            let values: Vec<String> = (0..8).map(|_| number(rng).to_string()).collect();
            let _ = write!(series, "{}:", values.join(","));
        }
        let _ = writeln!(series, "{}", ["up", "down"][case % 2]);
    }
    text(rng, &series, 3)
}

/// Two channels of 16 bits.
fn sound(rng: &mut Rng) -> Vec<u8> {
    let samples: Vec<u8> = (0..4 * 40).map(|_| rng.u8(..)).collect();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + samples.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x10\0data");
    file.extend((samples.len() as u32).to_le_bytes());
    file.extend(samples);
    bytes(rng, &mut file, 2);
    file
}
