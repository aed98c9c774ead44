//! A server on this machine stands for the sources.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use tempfile::TempDir;

use super::*;

/// What is fetched, and its `sha256sum`.
const CONTENTS: &[u8] = b"0123456789";
const SHA256: &str = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";

const FILE: KnownFile = KnownFile { name: "digits.bin", sha256: SHA256 };

/// Answers as many requests as there are answers; gives their range headers back.
fn serve(answers: Vec<(&'static str, &'static [u8])>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let answer = |(head, body): (&str, &[u8])| {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let lines: Vec<String> = lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
            write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").unwrap();
            stream.write_all(body).unwrap();
            assert_eq!(lines[0], "GET /digits.bin HTTP/1.1");
            let range = |line: &String| Some(line.to_lowercase().strip_prefix("range: ")?.to_string());
            lines.iter().find_map(range).unwrap_or_default()
        };
        answers.into_iter().map(answer).collect()
    });
    (address, server)
}

fn known(sources: Vec<&str>) -> Known {
    let sources: Vec<&'static str> = sources.iter().map(|s| &*s.to_string().leak()).collect();
    Known {
        name: "d",
        about: "",
        path: "digits.bin",
        files: &[FILE],
        sources: sources.leak(),
        origin: "a gift",
    }
}

const WHOLE: &str = "200 OK\r\nContent-Length: 10";

#[test]
fn a_file_is_fetched_once() {
    let folder = TempDir::new().unwrap();
    let (address, server) = serve(vec![(WHOLE, CONTENTS)]);
    let known = known(vec![&address]);
    let got = get(&known, None, Some(folder.path())).unwrap();
    assert_eq!((got.bytes, got.fetched, got.path), (10, true, folder.path().join("digits.bin")));
    assert_eq!(server.join().unwrap(), [""]);
    // No server answers any more.
    assert!(!get(&known, None, Some(folder.path())).unwrap().fetched);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn a_download_that_broke_off_goes_on() {
    let folder = TempDir::new().unwrap();
    let half = &CONTENTS[..4];
    let (address, server) = serve(vec![
        (WHOLE, half),
        ("206 Partial Content\r\nContent-Length: 6\r\nContent-Range: bytes 4-9/10", &CONTENTS[4..]),
    ]);
    let known = known(vec![&address]);
    let error = get(&known, None, Some(folder.path())).err().unwrap().to_string();
    assert!(error.starts_with(&format!("{address}digits.bin broke off after 4 B: ")), "{error}");
    assert!(error.ends_with("; run the command again: it goes on from there"), "{error}");
    assert!(!folder.path().join("digits.bin").exists());
    get(&known, None, Some(folder.path())).unwrap();
    assert_eq!(fs::read(folder.path().join("digits.bin")).unwrap(), CONTENTS);
    assert_eq!(server.join().unwrap(), ["", "bytes=4-"]);
}

#[test]
fn a_server_without_ranges_sends_it_again() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("digits.bin.partial"), "01x").unwrap();
    let (address, server) = serve(vec![(WHOLE, CONTENTS)]);
    get(&known(vec![&address]), None, Some(folder.path())).unwrap();
    assert_eq!(fs::read(folder.path().join("digits.bin")).unwrap(), CONTENTS);
    assert_eq!(server.join().unwrap(), ["bytes=3-"]);
}

#[test]
fn another_file_is_refused_and_removed() {
    let folder = TempDir::new().unwrap();
    let (address, server) = serve(vec![(WHOLE, b"012345678x")]);
    let error = get(&known(vec![&address]), None, Some(folder.path())).err().unwrap().to_string();
    let start = format!("{address}digits.bin is not the file that mixq knows: its SHA-256 is ");
    assert!(error.starts_with(&start) && error.contains(&format!(", not {SHA256}; try again")), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    server.join().unwrap();
}

#[test]
fn the_second_source_helps_out_and_all_failures_are_told() {
    let folder = TempDir::new().unwrap();
    let (gone, _) = serve(vec![]);
    let (missing, server) = serve(vec![("404 Not Found\r\nContent-Length: 0", b"")]);
    let error = get(&known(vec![&gone, &missing]), None, Some(folder.path())).err().unwrap();
    let [first, second] = &error.problems[..] else { panic!("{error}") };
    assert!(first.message.starts_with(&format!("cannot fetch {gone}digits.bin: ")), "{first}");
    let expected = format!("cannot fetch {missing}digits.bin: the server answers 404 Not Found");
    assert_eq!(second.message, expected);
    let help = "check the network, or set MIXQ_DATA to a folder that has the file";
    assert_eq!(first.help.as_deref(), Some(help));
    server.join().unwrap();
    let (whole, server) = serve(vec![(WHOLE, CONTENTS)]);
    assert!(get(&known(vec![&gone, &whole]), None, Some(folder.path())).unwrap().fetched);
    server.join().unwrap();
}

#[test]
fn what_is_there_is_taken_from_there() {
    let (shared, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let file = shared.path().join("digits.bin");
    fs::write(&file, CONTENTS).unwrap();
    let known = known(vec![]);
    let got = get(&known, Some(shared.path()), None).unwrap();
    assert_eq!((got.how, got.path), ("there already:", file.clone()));
    let got = get(&known, Some(shared.path()), Some(to.path())).unwrap();
    assert_eq!((got.how, got.path, got.fetched), ("copied:", to.path().join("digits.bin"), false));
    assert_eq!(fs::read(to.path().join("digits.bin")).unwrap(), CONTENTS);
    fs::write(&file, "else").unwrap();
    let error = get(&known, Some(shared.path()), None).err().unwrap().to_string();
    let start = format!("{} is not digits.bin: its SHA-256 is ", file.display());
    assert!(error.starts_with(&start) && error.ends_with("; remove it and run the command again"), "{error}");
}

#[test]
fn what_no_source_has() {
    let folder = TempDir::new().unwrap();
    let error = get(&known(vec![]), None, Some(folder.path())).err().unwrap().to_string();
    let expected =
        "digits.bin is not to be had from the network: a gift; set MIXQ_DATA to a folder that has digits.bin";
    assert_eq!(error, expected);
}

#[test]
fn several_files_have_a_folder() {
    let mnist = KNOWN.iter().find(|known| known.name == "mnist").unwrap();
    let path = mnist.file_in(Path::new("d"), &mnist.files[0]);
    assert_eq!(path, Path::new("d").join("mnist").join("train-images-idx3-ubyte.gz"));
    for known in KNOWN {
        assert!(known.files.iter().all(|file| file.sha256.len() == 64), "{}", known.name);
    }
}
