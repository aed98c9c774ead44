//! Quantised files taken over as they are: the same codes as the engines that made the golden outputs, on the
//! host and on the device.

use std::path::{Path, PathBuf};

use mixq_build::engine::as_imported::Integers;
use mixq_build::engine::config::Config;
use mixq_build::engine::dataset::npz_numbers;
use mixq_build::engine::import::foreign::{self, Refused};
use mixq_build::engine::import::lower::Reading;
use mixq_build::engine::import::model::Grid;
use mixq_build::engine::pipeline::{self, Making};
use mixq_build::engine::prepare::Prepared;
use mixq_format::Artifact;
use mixq_tests::firmware::{self, Board, Options, Part};
use mixq_tests::networks;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// The folder of files that are too large for the repository, or have other licences.
fn data() -> Option<PathBuf> {
    let given = std::env::var_os("MIXQ_DATA").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = given.unwrap_or_else(beside);
    if folder.join("models/golden").is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: MIXQ_DATA names no folder with models/golden");
    None
}

fn integers(file: &Path) -> Result<Integers, String> {
    let foreign = foreign::read_as(file, Reading::AS_IT_IS).map_err(|refused| match refused {
        Refused::Unsupported(_, found) => {
            found.iter().map(|it| it.what.clone()).collect::<Vec<_>>().join("; ")
        }
        Refused::Wrong(error) => error.to_string(),
    })?;
    Integers::new(foreign).map_err(|error| error.to_string().replace('\n', " "))
}

/// A number as the file's output has it.
fn code(number: f32, grid: Option<&Grid>) -> f64 {
    let Some(grid) = grid else { return f64::from(number) };
    let code = (f64::from(number) / f64::from(grid.scales[0])).round() + grid.zero_points[0] as f64;
    let (least, most) = grid.element.range().unwrap();
    code.clamp(least as f64, most as f64)
}

/// What differs from golden outputs.
#[derive(Default)]
struct Compared {
    samples: usize,
    /// The largest distance: in codes where the output is quantised, else relative to its range.
    most: f64,
    in_codes: bool,
    /// Outputs that are not the same.
    other: usize,
    /// All outputs.
    outputs: usize,
    /// Samples whose largest output is another one.
    other_argmax: usize,
}

fn argmax(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, at| if values[at] > values[best] { at } else { best })
}

fn compared(integers: &Integers, golden: &Path) -> Compared {
    let arrays = npz_numbers(golden).unwrap();
    let each: usize = integers.foreign().lowered.inputs[0].dims.iter().product();
    let inputs = &arrays["in0"];
    let mut compared = Compared { samples: inputs.len() / each, ..Compared::default() };
    for (sample, input) in inputs.chunks(each).enumerate() {
        let input: Vec<f32> = input.iter().map(|value| *value as f32).collect();
        let answers = integers.execute(&input).expect("the end of the network is known");
        for (place, (numbers, grid)) in answers.iter().enumerate() {
            let Some(wanted) = arrays.get(&format!("out{place}")) else { continue };
            let count = wanted.len() / compared.samples;
            let wanted = &wanted[sample * count..][..count];
            let found: Vec<f64> =
                numbers.to_floats().into_iter().map(|number| code(number, grid.as_ref())).collect();
            assert_eq!(found.len(), count, "{}", golden.display());
            let range = wanted.iter().fold(0.0f64, |most, value| most.max(value.abs())).max(1e-9);
            let unit = if grid.is_some() { 1.0 } else { range };
            let apart = found.iter().zip(wanted).map(|(a, b)| (a - b).abs() / unit);
            compared.outputs += count;
            compared.other += apart.clone().filter(|apart| *apart > 1e-4).count();
            compared.most = apart.fold(compared.most, f64::max);
            if place == 0 {
                compared.in_codes = grid.is_some();
                compared.other_argmax += usize::from(argmax(&found) != argmax(wanted));
            }
        }
    }
    compared
}

impl std::fmt::Display for Compared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Compared { samples, most, in_codes, other, outputs, other_argmax } = self;
        let same = samples - other_argmax;
        let unit = if *in_codes { "codes" } else { "of the range" };
        write!(f, "{most:7.4} {unit} apart, {other} of {outputs} differ, same argmax {same}/{samples}")
    }
}

/// Small files that ship with this repository.
const SHIPPED: [&str; 4] = ["hello_world_int8", "mnist_dw_q", "mnist_resnet_q", "litert_int8"];

#[test]
fn shipped_files_give_the_codes_of_another_engine() {
    for name in SHIPPED {
        let integers = integers(&fixtures().join(format!("{name}.tflite"))).unwrap();
        let compared = compared(&integers, &fixtures().join(format!("golden/{name}.tflite.npz")));
        println!("{name}: {compared}");
        assert!(compared.in_codes && compared.other == 0, "{name}: {compared}");
        assert_eq!(compared.other_argmax, 0, "{name}");
    }
}

/// A QONNX network of 2 to 4 bits against `Quant` in floats of 64 bits, as `models/qonnx.py` executes it.
#[test]
fn few_bits_are_those_of_qonnx() {
    let integers = integers(&fixtures().join("qonnx_w4a4.onnx")).unwrap();
    let widths: Vec<u8> = (integers.artifact().header.layers.iter())
        .filter_map(|named| named.layer.weights().map(|(.., bits)| bits.into()))
        .collect();
    assert_eq!(widths, [4, 2, 4, 4], "3 bits are stored as 4");
    let compared = compared(&integers, &fixtures().join("golden/qonnx_w4a4.onnx.npz"));
    println!("qonnx_w4a4: {compared}");
    assert_eq!((compared.samples, compared.outputs, compared.other), (4, 12, 0), "{compared}");
}

/// Files that are not taken over, and why.
const REFUSED: [(&str, &str); 10] = [
    ("deeploy_kws.onnx", "its input is not quantised"),
    ("deeploy_resnet8.onnx", "its input is not quantised"),
    ("finn_tfc_w1a1.onnx", "its input is not quantised"),
    ("nemo_dronet_int.onnx", "rounds without a scale"),
    ("nemo_dscnn_int.onnx", "rounds without a scale"),
    ("nemo_tcn.onnx", "rounds without a scale"),
    ("qonnx_espcn_quant.onnx", "its input is not quantised"),
    ("quantlib_dvs_cnn.onnx", "rounds without a scale"),
    ("TFC_1W1A.onnx", "signs of sums, which have no scale"),
    ("mobilenetv3_dynamic_int8.onnx", "scales are chosen while the network runs"),
];

/// Files that differ by more than a code: the largest difference that is known, in codes or of the range.
///
/// ONNX Runtime executes 53 of the 123 convolutions of this one in floats, whose sums have other errors than
/// integers. Its own answers with and without its fusions (`ORT_ENABLE_ALL`, `ORT_ENABLE_BASIC`) are 0.059 of
/// the range apart.
const FURTHER: [(&str, f64, &str); 1] = [("st_ssd_qdq.onnx", 0.035, "the engine computes parts in floats")];

#[test]
fn quantised_files_are_at_most_one_code_apart() {
    let Some(data) = data() else { return };
    let mut wrong = Vec::new();
    let mut files: Vec<PathBuf> = ["tflite", "onnx"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(data.join("models").join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let golden = data.join("models/golden").join(format!("{name}.npz"));
        // Files that no engine of floats reads are not quantised ones that could be taken.
        let Ok(read) = foreign::read(&file) else { continue };
        if !read.is_quantised {
            continue;
        }
        match integers(&file) {
            Err(error) => {
                let known = REFUSED.iter().find(|(known, _)| *known == name);
                let shown = known.map_or(error.as_str(), |(_, why)| why);
                println!("{name:44} refused: {shown}");
                wrong.extend(known.is_none().then(|| format!("{name}: {error}")));
            }
            Ok(_) if !golden.exists() => println!("{name:44} taken; it has no golden outputs"),
            Ok(integers) => {
                let compared = compared(&integers, &golden);
                let further = FURTHER.iter().find(|(known, ..)| *known == name);
                println!("{name:44} {compared} {}", further.map_or("", |(.., why)| why));
                let one = if compared.in_codes { 1.0 } else { 1e-4 };
                let fits = compared.most <= further.map_or(one, |(_, most, _)| *most);
                let same = further.is_some() || compared.other_argmax == 0;
                wrong.extend((!fits || !same).then(|| format!("{name}: {compared}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The interpreter of TFLite has 90.2 % on all 1,000 of these recordings. These are every second one.
#[test]
fn keywords_are_found_as_by_the_interpreter() {
    let Some(data) = data() else { return };
    let integers = integers(&data.join("models/tflite/kws_ref_model.tflite")).unwrap();
    let arrays = npz_numbers(&data.join("kws/kws01_even.npz")).unwrap();
    let (inputs, labels) = (&arrays["x_test"], &arrays["y_test"]);
    let mut right = 0;
    for (input, label) in inputs.chunks(490).zip(labels) {
        let input: Vec<f32> = input.iter().map(|value| *value as f32).collect();
        let answers = integers.execute(&input).unwrap();
        let outputs: Vec<f64> = answers[0].0.to_floats().into_iter().map(f64::from).collect();
        right += usize::from(argmax(&outputs) == *label as usize);
    }
    let share = 100.0 * right as f64 / labels.len() as f64;
    println!("{right} of {} keywords: {share:.1} %", labels.len());
    assert!((share - 90.2).abs() <= 0.5, "{share}");
}

/// A package whose model is a file that is taken over as it is.
fn package(folder: &Path, network: &str, more: &str) -> Config {
    std::fs::create_dir_all(folder).unwrap();
    let device = "[package.metadata.mixq.device]\nflash = \"1 MiB\"\nram = \"256 KiB\"\n";
    let text = format!(
        "[package]\nname = \"firmware\"\n{device}[package.metadata.mixq.models.net]\nbits = \"as \
         imported\"\nnetwork = \"{network}\"\n{more}\n"
    );
    std::fs::write(folder.join("Cargo.toml"), text).unwrap();
    Config::read(folder, None).unwrap()
}

fn made(config: &Config, folder: &Path) -> Artifact {
    let prepared = Prepared::new(&config.models[0], None).unwrap();
    let path = folder.join("models/net.mixq");
    let made = pipeline::retrain(&prepared, &path, folder, false, || (), &mut ()).unwrap();
    assert!(made.made == Making::Made && made.effort.is_none());
    // It is fresh then, and read back.
    let again = pipeline::retrain(&prepared, &path, folder, false, || (), &mut ()).unwrap();
    assert_eq!(again.made, Making::None);
    assert_eq!(again.artifact, made.artifact);
    made.artifact
}

/// A model in Cargo.toml becomes an artifact without training and without data, and firmware with it has the
/// same codes as the host.
#[test]
fn firmware_has_the_integers_of_the_file() {
    for (network, task) in [("mnist_dw_q", ""), ("hello_world_int8", "task = \"regression\"")] {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("as-imported-{network}"));
        let _ = std::fs::remove_dir_all(&folder);
        let file = fixtures().join(format!("{network}.tflite"));
        let more = format!("dataset = \"none.csv\"\n{task}");
        let config = package(&folder, file.to_str().unwrap(), &more);
        let artifact = made(&config, &folder);
        assert_eq!(artifact.header.fingerprint["bits"], "as imported");
        let integers = integers(&file).unwrap();
        assert_eq!(artifact.parameters, integers.artifact().parameters, "the network of `import --run`");

        let arrays = npz_numbers(&fixtures().join(format!("golden/{network}.tflite.npz"))).unwrap();
        let each: usize = integers.foreign().lowered.inputs[0].dims.iter().product();
        // An int8 input of -128 is a pixel of 0.
        let pixels = arrays["in0"].iter().map(|value| (*value + 128.0) as u8).collect::<Vec<_>>();
        let images: Vec<Vec<u8>> = pixels.chunks(each).take(4).map(<[u8]>::to_vec).collect();
        let models = folder.join("firmware");
        firmware::write_models(&models, std::slice::from_ref(&artifact), |_| images.clone());
        let (target, board) = ("thumbv7em-none-eabihf", Board::Stm32f405);
        let options = Options { target, board, part: Part::Binary, opt_level: "3" };
        let elf = firmware::build(&models, &options, Path::new(env!("CARGO_TARGET_TMPDIR")));
        firmware::assert_memory(&elf, std::slice::from_ref(&artifact));
        let printed = firmware::run(board, &elf, &[]);
        let (found, _) = firmware::logits_and_stack(&printed);
        let wanted: Vec<String> = (images.iter())
            .map(|image| {
                let logits = networks::logits(&artifact, image);
                let logits: Vec<String> = logits.iter().map(i32::to_string).collect();
                format!("net: {}", logits.join(","))
            })
            .collect();
        assert_eq!(found, wanted);
    }
}

/// With data, an artifact says how good its integers are beside the file's network in floats.
#[test]
fn keywords_are_measured() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let network = data.join("models/tflite/kws_ref_model.tflite");
    let dataset = data.join("kws/kws01_even.npz");
    let more = format!("dataset = {{ path = \"{}\", input = \"samples\" }}", dataset.display());
    let config = package(folder.path(), network.to_str().unwrap(), &more);
    let artifact = made(&config, folder.path());
    let accuracy = artifact.header.accuracy;
    println!("float {:.4}, integer {:.4}", accuracy.float, accuracy.integer);
    assert_eq!(accuracy.test_images, 500);
    assert!((accuracy.integer - 0.902).abs() <= 0.005, "{accuracy:?}");
    assert!(accuracy.float > 0.88, "{accuracy:?}");
}

/// On images without labels, how far the integers agree with the file's network in floats; `test` says which
/// images measure.
#[test]
fn images_without_labels_measure_agreement() {
    let arrays = npz_numbers(&fixtures().join("golden/mnist_dw_q.tflite.npz")).unwrap();
    let row =
        |image: &[f64]| image.iter().map(|code| (code + 128.0).to_string()).collect::<Vec<_>>().join(",");
    // The digit, moved down by some rows.
    let moved = |rows: usize| {
        let mut image = arrays["in0"][..784].to_vec();
        image.rotate_right(28 * rows);
        row(&image)
    };
    let rows: Vec<String> = (0..8).map(moved).collect();
    let file = fixtures().join("mnist_dw_q.tflite");
    for (test, images) in [("", rows.len()), (", test = 3", 3)] {
        let folder = tempfile::tempdir().unwrap();
        let more = format!("dataset = {{ path = \"rows.csv\"{test} }}");
        let config = package(folder.path(), file.to_str().unwrap(), &more);
        std::fs::write(folder.path().join("rows.csv"), rows.join("\n")).unwrap();
        let accuracy = made(&config, folder.path()).header.accuracy;
        println!("{accuracy:?}");
        assert!(accuracy.agreement && accuracy.test_images == images as u64, "{accuracy:?}");
        assert_eq!(accuracy.float, 1.0, "the file's floats agree with themselves");
        // Of one that is no digit any more, both may be nearly undecided.
        assert!(accuracy.integer * images as f64 > images as f64 - 1.5, "{accuracy:?}");
    }
}

/// What cannot be taken over is said with its name, and what would help.
#[test]
fn what_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixtures().join("mnist_dw_q.tflite");
    let tight = "dataset = \"none.csv\"\nflash = \"2 KiB\"";
    let config = package(folder.path(), file.to_str().unwrap(), tight);
    let error = Prepared::new(&config.models[0], None).unwrap().allocate().unwrap_err().to_string();
    assert!(error.contains("B of flash with the bits of its file, budget 2048 B"), "{error}");
    assert!(error.contains("leave `bits` out"), "{error}");

    let chosen = "dataset = \"none.csv\"\ntraining = \"none\"";
    let text = format!("bits = \"as imported\"\nnetwork = \"net.toml\"\n{chosen}");
    let manifest = format!(
        "[package]\nname = \"firmware\"\n[package.metadata.mixq.device]\nflash = \"1 MiB\"\nram = \"64 \
         KiB\"\n[package.metadata.mixq.models.net]\n{text}\n"
    );
    std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    let error = Config::read(folder.path(), None).unwrap_err().to_string();
    assert!(error.contains("no network of another tool"), "{error}");
    assert!(error.contains("`training`") && error.contains("leave `training` out"), "{error}");
}
