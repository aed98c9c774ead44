//! CSV: a row is an image, its pixels in the order row, column, channel, and its targets: in the columns that
//! a header names, or in the last ones. Messages count rows from 1, the header too, blank lines not.

pub(super) mod columns;
pub(super) mod header;
mod lines;
mod unlabelled;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use ::csv::{ByteRecord, ErrorKind, ReaderBuilder, Trim};
use flate2::read::MultiGzDecoder;

use self::header::{Header, is_number};
use self::lines::Lines;
use super::limit::{Limited, TooLarge};
use super::parts::{Parts, Wanted};
use super::{check, recordings, walk};
use crate::error::{Error, Problem};
use crate::observer::Observer;
use crate::task::{Column, Places};
use crate::text::{SHOWN, show, whole};

/// What hands over row after row.
pub(super) type Rows = ::csv::Reader<Box<dyn Read>>;

/// Reads a CSV file, which is compressed by gzip if it is called so.
pub(super) fn read(wanted: &Wanted<'_>, observer: &mut dyn Observer) -> Result<Parts, Error> {
    if wanted.has_samples() {
        let keys = ["window", "step", "columns", "group", "group = false", "short"];
        check::keys(wanted, "a CSV file", &keys)?;
        return recordings::rows::read(wanted, observer);
    }
    parse(wanted, rows(&wanted.config.path)?, observer)
}

/// The rows of a file, which is compressed by gzip if it is called so.
pub(super) fn rows(path: &Path) -> Result<Rows, Problem> {
    let input = input(path)?;
    Ok(ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(input))
}

/// The text of a file, which is compressed by gzip if it is called so.
pub(super) fn input(path: &Path) -> Result<Box<dyn Read>, Problem> {
    let file = open(path)?;
    let input: Box<dyn Read> = if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz")) {
        let packed = file.get_ref().metadata().map_err(|error| Problem::io("read", path, &error))?.len();
        Box::new(Limited::new(MultiGzDecoder::new(file), packed))
    } else {
        Box::new(file)
    };
    Ok(Box::new(Lines::new(input)))
}

fn open(path: &Path) -> Result<BufReader<File>, Problem> {
    walk::open(path).map(BufReader::new)
}

/// What is read so far.
struct Images<'a> {
    wanted: &'a Wanted<'a>,
    /// The columns of targets, counted from 0, in the order of the outputs.
    targets: Vec<usize>,
    pixels: Vec<u8>,
    labels: Box<dyn Column>,
    /// Wrong rows and what is wrong with them.
    wrong: Vec<(usize, String)>,
    /// The number of wrong rows, reported or not.
    count: usize,
    /// The number of rows that have as many columns as an image has pixels.
    short: usize,
    /// The number of rows that have numbers which are not pixels.
    samples: usize,
}

fn parse(wanted: &Wanted<'_>, mut reader: Rows, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let path = wanted.config.path.display();
    // Rows are counted here: the line numbers of csv are wrong after blank lines. A line of spaces is blank.
    let mut next = || -> Result<Option<ByteRecord>, ::csv::Error> {
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record)? {
            if record.len() > 1 || record.iter().any(|field| !field.is_empty()) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    };
    let failed = |error: ::csv::Error| unreadable(&wanted.config.path, &error);
    let (first, second) = (next().map_err(failed)?, next().map_err(failed)?);
    let header = first.as_ref().map_or_else(
        || Ok(Header::none(wanted.shape.elements())),
        |first| Header::of(first, second.as_ref(), wanted),
    );
    let header =
        header.map_err(|reason| Problem::new(format!("{path} row 1: {}", reason.0)).help(reason.1))?;
    let places = Places {
        columns: header.targets.iter().map(|column| column + 1).collect(),
        names: header.names.clone(),
    };
    let is_unlabelled = header.targets.is_empty() && wanted.is_unlabelled(false);
    let mut images = Images {
        wanted,
        targets: header.targets,
        pixels: Vec::new(),
        labels: if is_unlabelled {
            Box::new(unlabelled::Rows::new(wanted))
        } else {
            wanted.rules().column(places)
        },
        wrong: Vec::new(),
        count: 0,
        short: 0,
        samples: 0,
    };
    let mut problems = Vec::new();
    let mut begun = [first, second].into_iter().flatten();
    for row in 1_usize.. {
        let record = match begun.next().map_or_else(&mut next, |record| Ok(Some(record))) {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(error) => {
                problems.push(failed(error));
                break;
            }
        };
        if row == 1 && header.is_there {
            continue;
        }
        if let Err(reason) = images.push(row, &record) {
            images.wrong(row, reason);
        }
    }
    let given = wanted.config.labels.as_deref().unwrap_or_default();
    let (targets, names) = images.labels.targets(wanted.outputs, given).unwrap_or_else(|(shown, count)| {
        images.wrong.extend(shown);
        images.count += count;
        Default::default()
    });
    images.wrong.sort();
    let reported = images.wrong.iter().take(SHOWN);
    let mut wrong: Vec<Problem> =
        reported.map(|(row, reason)| Problem::new(format!("{path} row {row}: {reason}"))).collect();
    if images.count > SHOWN {
        wrong.push(Problem::new(format!("{path}: and {} more wrong rows", images.count - SHOWN)));
    }
    if images.samples > SHOWN && images.samples > targets.len() {
        let message =
            format!("{path}: most rows hold numbers that are not pixels, as samples of sensors are");
        wrong.push(Problem::new(message).help("input = \"samples\" in the dataset's table reads them"));
    }
    if images.short > 0 && images.short == images.count && targets.is_empty() {
        let message = format!("{path}: rows are as long as if they had no labels");
        wrong.push(Problem::new(message).help(super::check::UNLABELLED));
    }
    let is_doubtful = !header.is_named && names.is_none();
    let doubt = || images.labels.doubt(&images.pixels, wanted.shape.elements(), wanted.outputs);
    let doubt = is_doubtful.then(doubt).flatten();
    if let Some(doubt) = &doubt
        && !wrong.is_empty()
    {
        wrong.push(Problem::new(format!("{path}: {doubt}")));
    }
    wrong.append(&mut problems);
    if wrong.is_empty() && targets.is_empty() {
        wrong.push(Problem::new(format!("{path} has no images: it is empty")));
    }
    if let Some(names) = &names {
        wrong.extend(super::check::labels(wanted, names));
    }
    if !wrong.is_empty() {
        return Err(Error { problems: wrong });
    }
    for note in header.note.into_iter().chain(doubt) {
        observer.warn(&format!("{path}: {note}"));
    }
    let train = super::Split { pixels: images.pixels.into(), targets };
    Ok(Parts { train, labels: names, unlabelled: [is_unlabelled; 2], ..Parts::default() })
}

impl Images<'_> {
    /// Notes what is wrong with a row.
    fn wrong(&mut self, row: usize, reason: String) {
        self.count += 1;
        if self.wrong.len() < SHOWN {
            self.wrong.push((row, reason));
        }
    }

    /// Appends a row's image, or says what is wrong with the first value that is.
    fn push(&mut self, row: usize, record: &ByteRecord) -> Result<(), String> {
        let Wanted { config, shape, .. } = *self.wanted;
        let max = config.max;
        let elements = shape.elements();
        if record.len() != elements + self.targets.len() {
            self.short += usize::from(record.len() == elements);
            return Err(columns::unfit(record.len(), &self.targets, self.wanted));
        }
        let start = self.pixels.len();
        for (index, field) in record.iter().enumerate().filter(|(index, _)| !self.targets.contains(index)) {
            let column = index + 1;
            let wrong = match whole(field) {
                Some(value) if value <= u64::from(max) => {
                    self.pixels.push(value as u8);
                    continue;
                }
                Some(value) => format!("column {column}: pixel {value} is over {max}"),
                None => {
                    self.samples += usize::from(is_number(field));
                    format!("column {column}: pixel `{}` is not a whole number from 0 to {max}", show(field))
                }
            };
            self.pixels.truncate(start);
            return Err(wrong);
        }
        let fields: Vec<&[u8]> = self.targets.iter().map(|column| &record[*column]).collect();
        self.labels.push(row, &fields);
        Ok(())
    }
}

/// The error for a file that cannot be read.
pub(super) fn unreadable(path: &Path, error: &::csv::Error) -> Problem {
    let ErrorKind::Io(error) = error.kind() else {
        return Problem::new(format!("{} is not CSV: {error}", path.display()));
    };
    let file = path.display();
    if let Some(over) = TooLarge::of(error) {
        return Problem::new(format!("{file} {over}"))
            .help("unpack it and name the .csv file, if these are your data");
    }
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            Problem::new(format!("{file} is truncated: its gzip data ends early"))
                .help("copy or download the file again")
        }
        std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => {
            Problem::new(format!("{file} is damaged, or not a gzip file: {error}"))
                .help("copy or download the file again")
        }
        _ => Problem::io("read", path, error),
    }
}
