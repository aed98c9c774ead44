//! The firmware in `tests/firmware`: builds it around given networks, runs it in QEMU.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mixq_elf::{Elf, Place};
use mixq_format::{Artifact, Input};

/// Bytes that `infer` may take of the stack, also where a layer has no room to work in the arena.
pub const STACK: usize = 1023;

/// The same of networks in stripes of rows some of which portable kernels execute: they work on the stack
/// alone, beside the table of the stripe.
pub const STACK_OF_PORTABLE_STRIPES: usize = 1151;

/// Longest time that firmware may run; the largest network needs ten seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// An emulated board with the memory of a real part.
#[derive(Clone, Copy, Debug)]
pub enum Board {
    /// Cortex-M4, 1 MiB of flash, 128 KiB of RAM.
    Stm32f405,
    /// A Cortex-M7 with 2 MiB of flash and 512 KiB of RAM, the larger budget of arXiv 1905.13082.
    CortexM7,
    /// A Cortex-M33 with as much memory.
    CortexM33,
    /// The same without DSP instructions: they are undefined there.
    CortexM33WithoutDsp,
    /// A Cortex-M55, 512 KiB of flash, 512 KiB of RAM.
    CortexM55,
}

impl Board {
    /// QEMU's arguments.
    fn machine(self) -> &'static [&'static str] {
        match self {
            Board::Stm32f405 => &["-machine", "netduinoplus2"],
            Board::CortexM7 => &["-machine", "mps2-an500"],
            Board::CortexM33 => &["-machine", "mps2-an505"],
            Board::CortexM33WithoutDsp => &["-machine", "mps2-an505", "-global", "iotkit.CPU0_DSP=off"],
            Board::CortexM55 => &["-machine", "mps3-an547"],
        }
    }

    /// Its linker script, in `tests/firmware`.
    fn memory(self) -> &'static str {
        match self {
            Board::Stm32f405 => "stm32f405.x",
            Board::CortexM7 => "cortex-m7.x",
            Board::CortexM33 | Board::CortexM33WithoutDsp => "mps2-an505.x",
            Board::CortexM55 => "mps3-an547.x",
        }
    }

    /// Whether firmware takes kernels with DSP instructions where the Rust target leaves these open.
    fn dsp(self) -> bool {
        !matches!(self, Board::CortexM33WithoutDsp)
    }
}

/// How firmware is compiled.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The Rust target.
    pub target: &'a str,
    /// Where it will run.
    pub board: Board,
    /// What of it.
    pub part: Part,
    /// `opt-level` of the release profile: "3", "s", ...
    pub opt_level: &'a str,
}

/// Writes `<name>.mixq` and `<name>.images` for each network, and `models.rs` which lists them. Files that
/// would not change stay untouched, so that cargo sees nothing to do.
///
/// # Panics
/// If the folder cannot be written.
pub fn write_models(folder: &Path, artifacts: &[Artifact], images: impl Fn(&Artifact) -> Vec<Vec<u8>>) {
    let write = |file: String, bytes: &[u8]| {
        let path = folder.join(file);
        if fs::read(&path).ok().as_deref() != Some(bytes) {
            fs::write(&path, bytes).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
        }
    };
    fs::create_dir_all(folder).unwrap_or_else(|e| panic!("cannot create {}: {e}", folder.display()));
    let mut names = String::new();
    for artifact in artifacts {
        let name = &artifact.header.name;
        write(format!("{name}.mixq"), &artifact.to_bytes());
        write(format!("{name}.images"), &images(artifact).concat());
        names += &format!("    {name}\n");
    }
    write("models.rs".to_string(), format!("models! {{\n{names}}}\n").as_bytes());
    let arms: String = artifacts.iter().filter_map(inputs).collect();
    let usual = "($name:ident $image:ident) => { $image };";
    write("inputs.rs".to_string(), format!("macro_rules! inputs {{\n{arms}    {usual}\n}}\n").as_bytes());
    let arms: String =
        artifacts.iter().filter_map(print_all).chain(artifacts.iter().filter_map(in_place)).collect();
    let usual = "($network:ident $name:ident $image:ident) => { \
                 logits::print(stringify!($name), $network.infer(inputs!($name $image))) };";
    write(
        "outputs.rs".to_string(),
        format!("macro_rules! print_outputs {{\n{arms}    {usual}\n}}\n").as_bytes(),
    );
    let task = |artifact: &Artifact| {
        let header = &artifact.header;
        format!("    {} {}\n", header.task.name().replace('-', "_"), header.name)
    };
    let tasks: String = artifacts.iter().map(task).collect();
    write("tasks.rs".to_string(), format!("tasks! {{\n{tasks}}}\n").as_bytes());
    write("samples.rs".to_string(), format!("samples! {{\n{names}}}\n").as_bytes());
    let fed = artifacts.iter().filter(|artifact| artifact.header.stages.iter().any(|stage| stage.fed));
    let frame = |artifact: &Artifact| {
        let header = &artifact.header;
        let kind = if header.samples.is_empty() { "pixels" } else { "samples" };
        let windows = if header.stages[0].hop > 0 { "sliding" } else { "alone" };
        format!("    {kind} {windows} {} {}\n", header.task.name().replace('-', "_"), header.name)
    };
    write(
        "frames.rs".to_string(),
        format!("frames! {{\n{}}}\n", fed.map(frame).collect::<String>()).as_bytes(),
    );
}

/// Asserts that firmware has as many bytes of each network, in flash and in RAM, as its artifact says.
///
/// # Panics
/// If it has not, or is not an ELF file.
pub fn assert_memory(elf: &Path, artifacts: &[Artifact]) {
    let linked = Elf::read(elf).expect("firmware is an ELF file");
    for artifact in artifacts {
        let name = &artifact.header.name;
        let flash = linked.constants(name).expect("the network is in flash");
        assert_eq!(flash, artifact.flash_bytes() as u64, "flash of {name}");
        let ram = linked.bytes(Place::Ram, &format!("::{name}")).expect("the network is in RAM");
        assert_eq!(ram, artifact.ram_bytes() as u64, "RAM of {name}");
    }
}

/// An arm of a macro that makes the inputs of a network that has several of their bytes, which are one after
/// the other.
fn inputs(artifact: &Artifact) -> Option<String> {
    let header = &artifact.header;
    let name = (!header.inputs.is_empty()).then_some(&header.name)?;
    let mut start = 0;
    let field = |input: &Input| {
        start += input.tensor.bytes();
        let first = start - input.tensor.bytes();
        format!("{}: image[{first}..].first_chunk().unwrap(), ", input.name)
    };
    let fields: String = header.inputs.iter().map(field).collect();
    Some(format!(
        "    ({name} $image:ident) => {{{{ let image: &[u8; {start}] = $image; \
         models::{name}::Inputs {{ {fields}}} }}}};\n"
    ))
}

/// An arm of a macro that writes the inputs of a network that has several to their places, and prints the
/// outputs.
fn in_place(artifact: &Artifact) -> Option<String> {
    let header = &artifact.header;
    let name = (!header.inputs.is_empty()).then_some(&header.name)?;
    let copies: String =
        (header.inputs.iter()).map(|input| format!("*places.{0} = *inputs.{0}; ", input.name)).collect();
    Some(format!(
        "    ($network:ident {name} $image:ident) => {{{{ let inputs = inputs!({name} $image); let places = \
         $network.inputs_mut(); {copies}logits::print(\"{name}\", $network.run()); }}}};\n"
    ))
}

/// An arm of a macro that prints all outputs of a network that has several, after `infer`.
fn print_all(artifact: &Artifact) -> Option<String> {
    let header = &artifact.header;
    let name = (!header.outputs.is_empty()).then_some(&header.name)?;
    let lists: String =
        header.outputs.iter().map(|output| format!("line.add(outputs.{}); ", output.name)).collect();
    Some(format!(
        "    ($network:ident {name} $image:ident) => {{{{ $network.infer($image); let outputs = \
         $network.outputs(); let mut line = logits::Line::new(\"{name}\"); {lists}line.end(); }}}};\n"
    ))
}

/// What of the firmware is compiled.
#[derive(Clone, Copy)]
pub enum Part {
    /// All of it, to be executed.
    Binary,
    /// The networks alone, where no emulated board is at hand.
    Library,
    /// The firmware whose networks take turns in one arena of this number of bytes, to be executed.
    SharedArena(usize),
    /// The firmware that calls what each task offers, to be executed.
    Tasks,
    /// The firmware that makes codes of samples, to be executed.
    Samples,
    /// The firmware that pushes rows of images, to be executed.
    Frames,
}

/// Compiles the firmware around the networks in `models`; the ELF, if a binary is asked for.
///
/// The ELF lies among the models. All firmware is compiled in one folder of `scratch`, which is
/// `CARGO_TARGET_TMPDIR`: the crates of macros and build scripts take longer to compile than most networks.
///
/// # Panics
/// If it does not compile, with the compiler's words.
pub fn build(models: &Path, options: &Options<'_>, scratch: &Path) -> PathBuf {
    let Options { target, board, part, opt_level } = *options;
    let target_folder = scratch.join("firmware");
    let _turn = turn(&target_folder);
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("firmware");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.env_remove("MIXQ_ARENA_BYTES").args(["build", "--release", "--target", target]);
    let name = match part {
        Part::SharedArena(_) => "shared_arena",
        Part::Tasks => "tasks",
        Part::Samples => "samples",
        Part::Frames => "frames",
        Part::Binary | Part::Library => "firmware",
    };
    match part {
        Part::Binary => command.args(["--bin", name]),
        Part::Tasks | Part::Samples | Part::Frames => command.args(["--bin", name]),
        Part::Library => command.arg("--lib"),
        Part::SharedArena(bytes) => command.args(["--bin", name]).env("MIXQ_ARENA_BYTES", bytes.to_string()),
    };
    let output = command
        .arg("--target-dir")
        .arg(&target_folder)
        .current_dir(package)
        .env("MIXQ_MODELS", models)
        .env("MIXQ_MEMORY", board.memory())
        .env("MIXQ_DSP", board.dsp().to_string())
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", opt_level)
        // Its build script does next to nothing.
        .env_remove("CARGO_PROFILE_RELEASE_BUILD_OVERRIDE_OPT_LEVEL")
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !errors.contains("can't find crate for `core`"),
        "the Rust target {target} is missing: run `cargo xtask setup`\n\n{errors}"
    );
    assert!(output.status.success(), "the firmware does not compile for {target}:\n\n{errors}");
    let made = target_folder.join(target).join("release").join(name);
    if matches!(part, Part::Library) {
        return made;
    }
    // Another test may execute the same firmware: the copy appears at once, not byte by byte.
    let folder = models.join(format!("{target}-{board:?}-{opt_level}"));
    let (copy, elf) = (folder.join("copy"), folder.join(name));
    fs::create_dir_all(&folder).and_then(|()| fs::copy(&made, &copy)).expect("firmware can be copied");
    fs::rename(&copy, &elf).expect("firmware can be renamed");
    elf
}

/// Holds a target folder until it is dropped: the next firmware takes the place of this one, which has to be
/// copied before that.
///
/// # Panics
/// If files cannot be written or locked there.
pub fn turn(target_folder: &Path) -> fs::File {
    fs::create_dir_all(target_folder).expect("the folder can be made");
    let lock = fs::File::create(target_folder.join("tests.lock")).expect("the folder can be written to");
    lock.lock().expect("files can be locked");
    lock
}

/// Executes an ELF on an emulated board with these arguments; what it prints.
///
/// # Panics
/// If it fails, or does not end.
pub fn run(board: Board, elf: &Path, arguments: &[&str]) -> String {
    let semihosting: String = arguments.iter().map(|argument| format!(",arg={argument}")).collect();
    let printed = elf.with_extension("out");
    let file =
        fs::File::create(&printed).unwrap_or_else(|e| panic!("cannot create {}: {e}", printed.display()));
    let mut qemu = Command::new("qemu-system-arm")
        .args(board.machine())
        .args(["-nographic", "-semihosting-config"])
        .arg(format!("enable=on,target=native{semihosting}"))
        .arg("-kernel")
        .arg(elf)
        .stdin(Stdio::null())
        .stderr(file.try_clone().expect("a file can be shared"))
        .stdout(file)
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start qemu-system-arm ({e}): run `cargo xtask setup`"));
    let start = Instant::now();
    let status = loop {
        match qemu.try_wait().expect("a child can be waited for") {
            Some(status) => break Some(status),
            None if start.elapsed() > PATIENCE => break None,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let text = fs::read_to_string(&printed).unwrap_or_default();
    match status {
        Some(status) => assert!(status.success(), "the firmware failed ({status}):\n{text}"),
        None => {
            let _ = qemu.kill().and_then(|()| qemu.wait());
            panic!("the firmware did not end in {} s; it printed:\n{text}", PATIENCE.as_secs());
        }
    }
    text
}

/// What the firmware in `tests/firmware` prints, taken apart: lines of logits, and for each network the bytes
/// of stack that `infer` used.
///
/// # Panics
/// If a figure is none.
pub fn logits_and_stack(printed: &str) -> (Vec<&str>, Vec<(&str, usize)>) {
    let (stack, logits): (Vec<&str>, Vec<&str>) =
        printed.lines().partition(|line| line.starts_with("stack "));
    let stack = (stack.into_iter())
        .map(|line| {
            let (name, bytes) = line["stack ".len()..].split_once(": ").expect("a name and a figure");
            (name, bytes.trim().parse().expect("bytes of stack"))
        })
        .collect();
    (logits, stack)
}
