//! CSV: a row is an image, its pixels in the order row, column, channel, its label last. The first row may
//! be a header. Messages count rows from 1, the header too, blank lines not.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use ::csv::{ByteRecord, ErrorKind, ReaderBuilder, Trim};
use flate2::read::MultiGzDecoder;

use super::check;
use super::parts::{Parts, Wanted};
use super::split::Growing;
use super::watch::Watch;
use crate::error::{Error, Problem};

/// Wrong rows that are reported one by one.
const SHOWN: usize = 5;

/// Reads a CSV file.
pub(super) fn read(wanted: &Wanted<'_>, _: &mut dyn Watch) -> Result<Parts, Error> {
    parse(wanted, open(&wanted.config.path)?)
}

/// Reads a CSV file compressed by gzip.
pub(super) fn read_gz(wanted: &Wanted<'_>, _: &mut dyn Watch) -> Result<Parts, Error> {
    parse(wanted, MultiGzDecoder::new(open(&wanted.config.path)?))
}

fn open(path: &Path) -> Result<BufReader<File>, Problem> {
    File::open(path).map(BufReader::new).map_err(|error| Problem::io("read", path, &error))
}

fn parse(wanted: &Wanted<'_>, input: impl Read) -> Result<Parts, Error> {
    let path = &wanted.config.path;
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(input);
    let mut images = Growing::default();
    let mut problems = Vec::new();
    let mut wrong = 0;
    let mut record = ByteRecord::new();
    // Counted here: the line that csv knows is off after blank lines.
    for row in 1_usize.. {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                problems.push(unreadable(path, &error));
                break;
            }
        }
        if row == 1 && is_header(&record) {
            continue;
        }
        if let Err(reason) = push(&mut images, &record, wanted) {
            wrong += 1;
            if wrong <= SHOWN {
                problems.push(Problem::new(format!("{} row {row}: {reason}", path.display())));
            }
        }
    }
    if wrong > SHOWN {
        problems.push(Problem::new(format!("{}: and {} more wrong rows", path.display(), wrong - SHOWN)));
    }
    if problems.is_empty() && images.labels.is_empty() {
        problems.push(Problem::new(format!("{} has no images: it is empty", path.display())));
    }
    if problems.is_empty() {
        Ok(Parts { train: images.into(), ..Parts::default() })
    } else {
        Err(Error { problems })
    }
}

/// A header names at least the label. Looking at the last column alone keeps a slip in a pixel of the first
/// row from passing for a header.
fn is_header(record: &ByteRecord) -> bool {
    let last = record.iter().next_back().unwrap_or_default();
    !last.is_empty() && !std::str::from_utf8(last).is_ok_and(|field| field.parse::<f64>().is_ok())
}

/// Appends a row's image, or says what is wrong with the first value that is.
fn push(images: &mut Growing, record: &ByteRecord, wanted: &Wanted<'_>) -> Result<(), String> {
    let Wanted { config, shape, classes, .. } = *wanted;
    let max = config.max;
    let elements = shape.elements();
    if record.len() != elements + 1 {
        return Err(format!(
            "found {} columns = {} pixels + label, but the network wants images of {shape} = {elements} pixels",
            record.len(),
            record.len().saturating_sub(1),
        ));
    }
    let start = images.pixels.len();
    let result = record.iter().take(elements).enumerate().try_for_each(|(index, field)| {
        let column = index + 1;
        match whole(field) {
            Some(value) if value <= u64::from(max) => {
                images.pixels.push(value as u8);
                Ok(())
            }
            Some(value) => Err(format!("column {column}: pixel {value} is over {max}")),
            None => {
                Err(format!("column {column}: pixel `{}` is no whole number from 0 to {max}", show(field)))
            }
        }
    });
    let label = result.and_then(|()| {
        let field = &record[elements];
        let label = whole(field)
            .ok_or_else(|| format!("column {}: label `{}` is no whole number", elements + 1, show(field)))?;
        check::label(label, classes)
    });
    match label {
        Ok(label) => images.labels.push(label),
        Err(_) => images.pixels.truncate(start),
    }
    label.map(|_| ())
}

fn whole(field: &[u8]) -> Option<u64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// A field, cut to what a message can hold.
fn show(field: &[u8]) -> String {
    const LONGEST: usize = 20;
    let text = String::from_utf8_lossy(field);
    let shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().count() > LONGEST { shown + "..." } else { shown }
}

fn unreadable(path: &Path, error: &::csv::Error) -> Problem {
    let ErrorKind::Io(error) = error.kind() else {
        return Problem::new(format!("{} is no CSV: {error}", path.display()));
    };
    let file = path.display();
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            Problem::new(format!("{file} is truncated: its gzip data ends early"))
                .help("copy or download the file again")
        }
        std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => {
            Problem::new(format!("{file} is damaged, or no gzip file: {error}"))
                .help("copy or download the file again")
        }
        _ => Problem::io("read", path, error),
    }
}
