//! Writes networks of `.mixq` files as Rust, laid out as `include_model!` lays them out: a function for each
//! layer, an input, and what the portable kernels make of it.

use std::fmt::Write;
use std::path::Path;

use fastrand::Rng;
use mixq_format::Artifact;
use mixq_format::target::{LaidOut, Target};

/// Writes all networks that the file `networks` in a folder names, each on a line with the bytes that its
/// arena has beyond its tensors.
pub fn write(from: &Path, folder: &Path) -> String {
    println!("cargo::rerun-if-changed={}", from.display());
    let list = std::fs::read_to_string(from.join("networks")).expect("the folder has a list of networks");
    let (mut modules, mut all, mut arena_bytes) = (String::new(), String::new(), 8);
    for (index, line) in list.lines().enumerate() {
        let (name, spare) = line.split_once(' ').expect("a line has a name and a number of bytes");
        let file = from.join(format!("{name}.mixq"));
        let bytes = std::fs::read(&file).unwrap_or_else(|e| panic!("cannot read {}: {e}", file.display()));
        let artifact = Artifact::from_bytes(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let spare: u32 = spare.parse().expect("a number of bytes");
        let arena = artifact.header.arena_bytes + spare;
        arena_bytes = arena_bytes.max(arena);
        modules += &module(index, &artifact, arena, folder);
        let _ = writeln!(all, "    (\"{name}\", {spare}, &n{index}::NETWORK),");
    }
    format!(
        "pub static ALL: &[(&str, u32, &Network)] = &[\n{all}];\npub const ARENA: usize = {arena_bytes};\n\
         {modules}"
    )
}

fn module(index: usize, artifact: &Artifact, arena_bytes: u32, folder: &Path) -> String {
    let layers = artifact.layers();
    let network = artifact.network(&layers);
    let mut rng = Rng::with_seed(index as u64);
    let mut arena = vec![0; arena_bytes as usize];
    rng.fill(&mut arena[network.input.range()]);
    let input = arena[network.input.range()].to_vec();
    mixq_rt::run(&network, &mut arena);
    let file = |kind: &str, bytes: &[u8]| {
        std::fs::write(folder.join(format!("n{index}.{kind}")), bytes).expect("OUT_DIR can be written");
    };
    file("input", &input);
    file("expected", &arena[network.output.range()]);
    let target = Target::of(&std::env::var("TARGET").expect("cargo sets it"));
    let LaidOut { layers, parameters, kernels } = target.lay_out(&layers, &artifact.parameters, arena_bytes);
    file("parameters", &parameters);
    let (mut functions, mut names) = (String::new(), String::new());
    for (layer, kernel) in layers.iter().zip(kernels) {
        let table = format!("{:?}", layer.table());
        let kind = table.split(' ').next().expect("a table begins with its type");
        let call = kernel.call("core::hint::black_box(&TABLE)");
        let number = names.matches(',').count();
        let _ = writeln!(
            functions,
            "#[inline(never)] pub fn layer{number}(parameters: &[u8], arena: &mut [u8]) {{ static TABLE: \
             {kind} = {table}; {call} }}"
        );
        let _ = write!(names, "layer{number}, ");
    }
    format!(
        "network! {{ n{index} {} {} {arena_bytes} [{names}]\n{functions}}}\n",
        network.input.offset, network.output.offset
    )
}
