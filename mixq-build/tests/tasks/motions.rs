//! Samples of sensors: which of four motions a watch with six channels is in (BasicMotions of the UEA
//! archive, whose files `MIXQ_DATA` has in `timeseries`).

use mixq_build::engine::dataset::Split;
use mixq_format::{Bits, SampleChannel};

use super::*;

const NETWORK: &str = r#"
input = [1, 100, 6]
layer = [
    { op = "conv", filters = 16, kernel = [1, 5], stride = [1, 2] },
    { op = "conv", filters = 32, kernel = [1, 5], stride = [1, 2] },
    { op = "conv", filters = 32, kernel = [1, 3], stride = [1, 2] },
    { op = "global_average_pool" },
    { op = "linear", features = 4 },
]
"#;

/// The folder with the files; `None` if they are not there, which is said.
fn data() -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("MIXQ_DATA").map(|folder| Path::new(&folder).join("timeseries"));
    let folder = folder.filter(|folder| folder.join("BasicMotions_TRAIN.ts").is_file());
    if folder.is_none() {
        eprintln!("SKIPPED: MIXQ_DATA names no folder with timeseries/BasicMotions_TRAIN.ts");
    }
    folder
}

/// A package whose dataset is BasicMotions.
fn motions(folder: &Path, policy: &str, flash: &str) -> Package {
    let training = "epochs = 120, quantised-epochs = 60, learning-rate = 0.003, batch = 10";
    let package = package("classification", NETWORK, "", "", training);
    let path = folder.join("BasicMotions_TRAIN.ts");
    package.replace("Cargo.toml", "{ path = \"images.csv\" }", &format!("{:?}", path.display().to_string()));
    package.replace("Cargo.toml", "scheme =", &format!("policy = {policy:?}\nscheme ="));
    package.replace("Cargo.toml", "flash = \"48 KiB\"", &format!("flash = {flash:?}"));
    package
}

/// The values of the cases of a file, by its format: dimensions between colons, row after row.
fn values(path: &Path) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(path).unwrap();
    let cases = text.lines().skip_while(|line| !line.starts_with("@data")).skip(1);
    let case = |line: &str| {
        let (dimensions, _class) = line.rsplit_once(':').unwrap();
        let dimensions: Vec<Vec<f64>> = dimensions
            .split(':')
            .map(|values| values.split(',').map(|value| value.parse().unwrap()).collect())
            .collect();
        (0..100)
            .flat_map(|row| dimensions.iter().map(move |values| values[row]).collect::<Vec<_>>())
            .collect()
    };
    cases.map(case).collect()
}

/// The sample of a value and its code, up to `last`, by wide integers.
fn code(value: f64, SampleChannel { unit, codes }: &SampleChannel, last: i128) -> (i16, u8) {
    let sample = (f64::from(value as f32) / unit).round().clamp(-32768.0, 32767.0) as i128;
    let shifted = 2 * sample * i128::from(codes.multiplier) + (1i128 << codes.shift);
    let code = shifted.div_euclid(2i128 << codes.shift) + i128::from(codes.zero_point);
    (sample as i16, code.clamp(0, last) as u8)
}

/// All images of a part are the codes of the values of a file.
fn assert_codes(part: &Split, values: &[Vec<f64>], channels: &[SampleChannel], last: i128) {
    assert_eq!(part.len(), values.len());
    for (index, values) in values.iter().enumerate() {
        let codes =
            values.iter().zip(channels.iter().cycle()).map(|(value, channel)| code(*value, channel, last).1);
        assert!(codes.eq(part.image(index).iter().copied()), "image {index}");
    }
}

#[test]
fn a_network_of_samples_knows_motions_and_the_device_makes_the_codes_of_training() {
    let Some(folder) = data() else { return };
    let trained = train(&motions(&folder, "uniform-8", "48 KiB"));
    let Trained { artifact, dataset, logits, warnings } = &trained;
    let header = &artifact.header;
    println!("8 bits: {:?}, {} B of flash, {warnings:?}", header.accuracy, artifact.flash_bytes());
    assert_eq!(header.labels, ["Badminton", "Running", "Standing", "Walking"]);
    assert_eq!((dataset.train.len(), dataset.test.len(), header.samples.len()), (40, 40, 6));
    assert!(header.accuracy.integer >= 0.975, "{:?}", header.accuracy);
    assert_eq!([&header.samples[..]], dataset.samples[..]);

    let test = values(&folder.join("BasicMotions_TEST.ts"));
    assert_codes(&dataset.train, &values(&folder.join("BasicMotions_TRAIN.ts")), &header.samples, 255);
    assert_codes(&dataset.test, &test, &header.samples, 255);

    let device = samples_on_device("motions", artifact, &test[..5]);
    for (image, (codes, logits_there, codes_of_values)) in device.iter().enumerate() {
        assert_eq!(*codes, list(dataset.test.image(image)), "image {image}");
        assert_eq!(*codes_of_values, *codes, "image {image}");
        assert_eq!(*logits_there, list(&logits[4 * image..][..4]), "image {image}");
    }

    // Half of the flash, in mixed bits.
    let half = artifact.flash_bytes() / 2;
    let mixed = train(&motions(&folder, "sensitivity", &format!("{half}")));
    let header = &mixed.artifact.header;
    println!("mixed: {:?}, {} B of flash", header.accuracy, mixed.artifact.flash_bytes());
    assert!(mixed.artifact.flash_bytes() <= half);
    assert!(header.accuracy.integer >= artifact.header.accuracy.integer - 0.02, "{:?}", header.accuracy);
    let lines = on_device("motions-mixed", &mixed, 40);
    for (image, line) in lines.iter().enumerate() {
        let answers = &mixed.logits[4 * image..][..4];
        let best = answers.iter().position(|logit| logit == answers.iter().max().unwrap()).unwrap();
        assert!(line.starts_with(&format!("{best} ")), "image {image}: {line}");
    }
}

#[test]
fn codes_of_4_bits_share_bytes_and_are_those_of_training() {
    let Some(folder) = data() else { return };
    let package = motions(&folder, "uniform-8", "48 KiB");
    let path = format!("{:?}", folder.join("BasicMotions_TRAIN.ts").display().to_string());
    package.replace("Cargo.toml", &path, &format!("{{ path = {path}, input = {{ bits = 4 }} }}"));
    let Trained { artifact, dataset, logits, .. } = &train(&package);
    let header = &artifact.header;
    println!("4-bit input: {:?}", header.accuracy);
    // 100 rows of 6 codes.
    assert_eq!((header.input.bits, header.input.bytes()), (Bits::B4, 300));
    assert!(header.accuracy.integer >= 0.9, "{:?}", header.accuracy);
    assert_eq!(header.accuracy.disagreements, 0);
    let test = values(&folder.join("BasicMotions_TEST.ts"));
    assert_codes(&dataset.test, &test, &header.samples, 15);
    let device = samples_on_device("motions4", artifact, &test[..5]);
    for (image, (codes, logits_there, codes_of_values)) in device.iter().enumerate() {
        let pairs = dataset.test.image(image).chunks(2).map(|pair| pair[0] | pair[1] << 4);
        assert_eq!(*codes, list(pairs), "image {image}");
        assert_eq!(*codes_of_values, *codes, "image {image}");
        assert_eq!(*logits_there, list(&logits[4 * image..][..4]), "image {image}");
    }
}

/// What the device makes of windows of values: the codes of their samples, the logits, the codes of the
/// values themselves.
fn samples_on_device(name: &str, artifact: &Artifact, windows: &[Vec<f64>]) -> Vec<(String, String, String)> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = scratch.join(format!("samples-{name}"));
    firmware::write_models(&folder, std::slice::from_ref(artifact), |_| Vec::new());
    let header = &artifact.header;
    let write = |end: &str, bytes: Vec<u8>| {
        std::fs::write(folder.join(format!("{}.{end}", header.name)), bytes).unwrap();
    };
    let channels = || header.samples.iter().cycle();
    let sample = |(value, channel): (&f64, &SampleChannel)| code(*value, channel, 255).0.to_le_bytes();
    write(
        "samples",
        windows.iter().flat_map(|values| values.iter().zip(channels()).flat_map(sample)).collect(),
    );
    write("values", windows.iter().flatten().flat_map(|value| (*value as f32).to_le_bytes()).collect());
    let options = Options {
        target: "thumbv7em-none-eabihf",
        board: Board::Stm32f405,
        part: Part::Samples,
        opt_level: "3",
    };
    let printed = firmware::run(options.board, &firmware::build(&folder, &options, scratch), &[]);
    let lines = |kind: &str| -> Vec<String> {
        let start = format!("{}: {kind} ", header.name);
        printed.lines().filter_map(|line| line.strip_prefix(&start)).map(String::from).collect()
    };
    let both = lines("codes").into_iter().zip(lines("values"));
    let found: Vec<_> = both
        .map(|(line, values)| {
            let (codes, logits) = line.split_once(" logits ").expect("codes and logits");
            (codes.to_string(), logits.to_string(), values)
        })
        .collect();
    assert_eq!(found.len(), windows.len(), "{printed}");
    found
}

/// The gestures of a board with an accelerometer and a gyroscope: CSV files whose names say person and class,
/// with a blank line between recordings of 119 and 120 rows.
#[test]
fn recordings_of_a_board_are_windows_on_one_side_each() {
    let Some(folder) = data() else { return };
    let network = NETWORK.replace("100, 6", "119, 6").replace("features = 4", "features = 2");
    let training = "epochs = 60, quantised-epochs = 20, learning-rate = 0.003, batch = 8";
    let package = package("classification", &network, "", "", training);
    let table = format!(
        "{{ path = {:?}, files = \"adamclark_{{class}}.csv\", window = 119, step = 60 }}",
        folder.display().to_string()
    );
    package.replace("Cargo.toml", "{ path = \"images.csv\" }", &table);
    let Trained { artifact, dataset, warnings, .. } = train(&package);
    println!("{:?} {warnings:?}", artifact.header.accuracy);
    assert_eq!(dataset.labels, ["punch", "upper_cut"]);
    // 17 recordings of 119 rows, and 18 of 120: a window each.
    assert_eq!((dataset.train.len() + dataset.test.len(), dataset.samples[0].len()), (35, 6));
    assert!(artifact.header.accuracy.integer > 0.8, "{:?}", artifact.header.accuracy);
    assert!(warnings.iter().any(|warning| warning.contains("and not used, are spaziochirale_flex.csv")));
}

/// Spoken digits of six speakers, in an archive of WAV files: no speaker is on both sides.
#[test]
fn sounds_of_an_archive_are_split_by_speaker() {
    let archive = std::env::var_os("MIXQ_DATA").map(|folder| Path::new(&folder).join("fsdd.tar.zst"));
    let Some(archive) = archive.filter(|archive| archive.is_file()) else {
        eprintln!("SKIPPED: MIXQ_DATA names no folder with fsdd.tar.zst");
        return;
    };
    let network = "input = [1, 4000, 1]\n[[layer]]\nop = \"linear\"\nfeatures = 10\n";
    let package = package("classification", network, "", "", "");
    let table = format!(
        "{{ path = {:?}, files = \"recordings/{{class}}_{{group}}_*.wav\", window = 4000, short = \"pad\" }}",
        archive.display().to_string()
    );
    package.replace("Cargo.toml", "{ path = \"images.csv\" }", &table);
    let config = package.config();
    let shape = mixq_build::engine::graph::Shape { height: 1, width: 4000, channels: 1 };
    let mut warnings = Warnings(Vec::new());
    let dataset = Dataset::load(&config.models[0].dataset, shape, 10, &mut warnings).unwrap();
    println!(
        "{} + {} windows, {:?} {:?}",
        dataset.train.len(),
        dataset.test.len(),
        dataset.samples,
        warnings.0
    );
    let mut speakers = dataset.groups.clone();
    speakers.sort_unstable();
    speakers.dedup();
    assert_eq!(dataset.labels, (0..10).map(|digit| digit.to_string()).collect::<Vec<_>>());
    // At least two of the six speakers are in the test part.
    assert!((3..=4).contains(&speakers.len()), "{speakers:?}");
    let share = dataset.test.len() as f64 / (dataset.train.len() + dataset.test.len()) as f64;
    assert!((0.2..0.5).contains(&share), "{share}");
}
