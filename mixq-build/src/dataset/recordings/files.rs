//! Recordings in files of a folder or an archive: CSV or WAV, a folder for each class, or names that say it.

use std::fs;

use super::rows::{Table, table};
use super::{Recording, Target, parts, pattern, wav};
use crate::config::Group;
use crate::dataset::files::layout::{Layout, Place};
use crate::dataset::files::{Contents, Entry};
use crate::dataset::parts::{Parts, Wanted};
use crate::dataset::walk::Name;
use crate::error::{Error, Problem};
use crate::observer::Observer;
use crate::task::Places;
use crate::text::{SHOWN, enumerate};

/// A file, and what its name says.
struct File<'a> {
    name: String,
    contents: &'a Entry,
    class: Option<String>,
    group: Option<String>,
    is_test: bool,
}

/// Reads all recordings.
pub fn read(wanted: &Wanted<'_>, contents: &Contents, observer: &mut dyn Observer) -> Result<Parts, Error> {
    let files = match &wanted.config.recordings.files {
        Some(pattern) => by_name(wanted, pattern, contents, observer)?,
        None => by_folder(wanted, contents, observer)?,
    };
    let (mut recordings, mut problems) = (Vec::new(), Vec::new());
    let (mut places, mut rate, total) = (Places::default(), None, files.len() as u64);
    for (done, file) in files.iter().enumerate() {
        observer.read(done as u64, total);
        let bytes = match file.contents {
            Entry::Bytes(bytes) => bytes.clone(),
            Entry::File(path) => fs::read(path).map_err(|error| Problem::io("read", path, &error))?,
            Entry::Folder | Entry::Link(_) | Entry::Unreadable(_) | Entry::Other => {
                problems.push(file.problem(wanted, "cannot be read"));
                continue;
            }
        };
        if file.name.to_lowercase().ends_with(".wav") {
            match file.sound(wanted, &bytes, &mut rate) {
                Ok(recording) => recordings.push(recording),
                Err(reason) => problems.push(file.problem(wanted, &reason)),
            }
            continue;
        }
        match file.table(wanted, &bytes) {
            Ok(Table { recordings: found, roles }) => {
                places = roles.places();
                recordings.extend(found);
            }
            Err(error) => problems.extend(error.problems),
        }
    }
    observer.read(total, total);
    if problems.len() > SHOWN {
        let more = problems.len() - SHOWN;
        problems.truncate(SHOWN);
        problems.push(Problem::new(format!("{}: and {more} more", wanted.config.path.display())));
    }
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    parts(wanted, recordings, places, observer)
}

/// Files whose names have the form that `files` gives.
fn by_name<'a>(
    wanted: &Wanted<'_>,
    form: &str,
    contents: &'a Contents,
    observer: &mut dyn Observer,
) -> Result<Vec<File<'a>>, Problem> {
    let path = wanted.config.path.display();
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for (name, contents) in &contents.recordings {
        let name = name.join("/");
        match pattern::matches(form, &name) {
            Some(said) => files.push(File {
                contents,
                class: said.class.map(String::from),
                group: said.group.map(String::from),
                is_test: false,
                name: name.clone(),
            }),
            None => others.push(name),
        }
    }
    if files.is_empty() {
        let message = format!("{path} has no file whose name has the form `{form}`, as `files` says");
        return Err(Problem::new(message).help(format!("it has {}", enumerate(&others))));
    }
    if !others.is_empty() {
        observer.warn(&format!("{path}: not of the form `{form}`, and not used, are {}", enumerate(&others)));
    }
    Ok(files)
}

/// A folder for each class, in folders of the parts or not.
fn by_folder<'a>(
    wanted: &Wanted<'_>,
    contents: &'a Contents,
    observer: &mut dyn Observer,
) -> Result<Vec<File<'a>>, Problem> {
    let path = wanted.config.path.display();
    let names: Vec<&Name> = contents.recordings.iter().map(|(name, _)| name).collect();
    let layout = Layout::of(&path.to_string(), &names, &contents.folders)?;
    let (mut files, mut beside, mut outside) = (Vec::new(), Vec::new(), Vec::new());
    for (name, contents) in &contents.recordings {
        let (class, is_test) = match layout.file(name) {
            Place::Train(class) => (class, false),
            Place::Test(class) => (class, true),
            Place::Beside(_) => {
                beside.push(name.join("/"));
                continue;
            }
            Place::Outside => {
                outside.push(name.join("/"));
                continue;
            }
        };
        let class = Some(class.to_string());
        files.push(File { name: name.join("/"), contents, class, group: None, is_test });
    }
    if !outside.is_empty() {
        let message = format!("{path} has recordings in no folder of a class: {}", enumerate(&outside));
        return Err(Problem::new(message).help(
            "files = \"{group}_{class}.csv\" in the dataset's table says what names of files mean; or move \
             them into a folder for each class",
        ));
    }
    if !beside.is_empty() {
        observer.warn(&format!("{path}: not used are {}", enumerate(&beside)));
    }
    Ok(files)
}

impl File<'_> {
    fn problem(&self, wanted: &Wanted<'_>, reason: &str) -> Problem {
        Problem::new(format!("{}: {} {reason}", wanted.config.path.display(), self.name))
    }

    fn table(&self, wanted: &Wanted<'_>, text: &[u8]) -> Result<Table, Error> {
        let place = format!("{}: {}", wanted.config.path.display(), self.name);
        let mut table = table(wanted, &place, text, self.class.is_none())?;
        for recording in &mut table.recordings {
            recording.place = self.name.clone();
            recording.is_test = self.is_test;
            let own = match &wanted.config.recordings.group {
                Group::Recording => recording.group.take().map(|group| format!("{} {group}", self.name)),
                Group::Column(_) | Group::Window => recording.group.take(),
            };
            recording.group = self.group.clone().or(own);
            if let Some(class) = &self.class {
                recording.target = Target::Class(class.clone());
            }
        }
        Ok(table)
    }

    /// `rate` is that of the files before.
    fn sound(&self, wanted: &Wanted<'_>, bytes: &[u8], rate: &mut Option<u32>) -> Result<Recording, String> {
        if let Some(key) =
            wanted.config.recordings.keys().iter().find(|key| ["columns", "group"].contains(key))
        {
            return Err(format!("has no columns with names, which `{key}` in the dataset's table needs"));
        }
        let sound = wav::read(bytes)?;
        let before = *rate.get_or_insert(sound.rate);
        if sound.rate != before {
            return Err(format!("has {} samples a second, files before it have {before}", sound.rate));
        }
        let target = match &self.class {
            Some(class) => Target::Class(class.clone()),
            None if *wanted.rules().columns(wanted.outputs).start() > 0 => {
                return Err("says no class: `files` in the dataset's table has no {class}".to_string());
            }
            None => Target::default(),
        };
        Ok(Recording {
            place: self.name.clone(),
            first_row: 0,
            values: sound.values,
            columns: sound.channels,
            target,
            group: self.group.clone().or_else(|| Some(self.name.clone())),
            is_test: self.is_test,
        })
    }
}
