//! Writes networks of `.mixq` files as Rust, laid out as `include_model!` lays them out: a function for each
//! layer, an input, and what the portable kernels make of it.

use std::fmt::Write;
use std::path::Path;

use fastrand::Rng;
use mixq_format::target::{Kernel, LaidOut};
use mixq_format::{Artifact, Layer, Stage};

/// Writes all networks that the file `networks` in a folder names, each on a line with the bytes that its
/// arena has beyond its tensors.
pub fn write(from: &Path, folder: &Path) -> String {
    println!("cargo::rerun-if-changed={}", from.display());
    let list = std::fs::read_to_string(from.join("networks")).expect("the folder has a list of networks");
    let (mut modules, mut all, mut arena_bytes) = (String::new(), String::new(), 8);
    let mut blocks = Vec::new();
    for (index, line) in list.lines().enumerate() {
        let (name, spare) = line.split_once(' ').expect("a line has a name and a number of bytes");
        let file = from.join(format!("{name}.mixq"));
        let bytes = std::fs::read(&file).unwrap_or_else(|e| panic!("cannot read {}: {e}", file.display()));
        let artifact = Artifact::from_bytes(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let spare: u32 = spare.parse().expect("a number of bytes");
        let placed = artifact.in_arena(artifact.header.arena_bytes + spare);
        arena_bytes = arena_bytes.max(placed.header.arena_bytes);
        modules += &module(index, &placed, &mut blocks, folder);
        let _ = writeln!(all, "    (\"{name}\", {spare}, &n{index}::NETWORK),");
    }
    format!(
        "pub static ALL: &[(&str, u32, &Network)] = &[\n{all}];\npub const ARENA: usize = {arena_bytes};\n\
         {modules}"
    )
}

/// `blocks` are the parameters that are there already: those of a network are the same in all arenas.
fn module(index: usize, artifact: &Artifact, blocks: &mut Vec<Vec<u8>>, folder: &Path) -> String {
    let (layers, arena_bytes) = (artifact.layers(), artifact.header.arena_bytes);
    let network = artifact.network(&layers);
    let mut rng = Rng::with_seed(index as u64);
    let mut arena = vec![0; arena_bytes as usize];
    let mut image = vec![0; network.inputs().map(|input| input.bytes()).sum()];
    rng.fill(&mut image);
    if let Some(stage) = network.fed().filter(|stage| stage.hop > 0) {
        // The rows of a signal come again after `hop` rows, so that all windows have the same outputs.
        let period = usize::from(stage.hop) * network.input.bytes() / usize::from(network.input.height);
        (period..image.len()).for_each(|at| image[at] = image[at - period]);
    }
    mixq_rt::infer(&network, &image, &mut arena);
    // All inputs, with what lies between them. Rows are taken while the stage is executed.
    let first = network.inputs().map(|input| input.range().start).min().expect("a network has inputs");
    let mut input = Vec::new();
    if network.fed().is_none() {
        let mut rest = &image[..];
        for tensor in network.inputs() {
            let (bytes, others) = rest.split_at(tensor.bytes());
            let range = tensor.range().start - first..tensor.range().end - first;
            input.resize(input.len().max(range.end), 0);
            input[range].copy_from_slice(bytes);
            rest = others;
        }
    }
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).expect("OUT_DIR can be written");
    };
    file(&format!("n{index}.input"), &input);
    file(&format!("n{index}.image"), &image);
    file(&format!("n{index}.expected"), &arena[network.output.range()]);
    let steps = artifact.layers();
    let LaidOut { layers, parameters, kernels } =
        crate::target().lay_out(&steps, &artifact.parameters, arena_bytes);
    let parameter_bytes = parameters.len();
    let block = blocks.iter().position(|block| *block == parameters);
    let (block, new) = block.map_or((blocks.len(), true), |block| (block, false));
    let mut declared = String::new();
    if new {
        file(&format!("PARAMETERS{block}.parameters"), &parameters);
        declared = format!("parameters! {{ PARAMETERS{block} }}\n");
        blocks.push(parameters);
    }
    let (mut functions, mut names) = (String::new(), String::new());
    for (number, (layer, kernel)) in layers.iter().zip(&kernels).enumerate() {
        let stage = artifact.header.stages.iter().find(|stage| stage.range().contains(&number));
        let body = match stage {
            // All of a stage counts as its first layer.
            Some(stage) if stage.range().start == number => {
                let image = folder.join(format!("n{index}.image"));
                striped(stage, &layers, &kernels, [parameter_bytes, arena_bytes as usize], &image)
            }
            Some(_) => {
                names += "None, ";
                continue;
            }
            None => {
                let table = format!("{:?}", layer.table());
                let kind = table.split(' ').next().expect("a table begins with its type");
                let call = kernel.call("core::hint::black_box(&TABLE)");
                let checked = format!("Checked::<{kind}, {parameter_bytes}, {arena_bytes}>");
                format!("static TABLE: {checked} = {checked}::new({table});\n    {call}")
            }
        };
        let _ = writeln!(
            functions,
            "#[inline(never)] pub fn layer{number}(parameters: &[u8], arena: &mut [u8]) {{\n    \
             let parameters = parameters.first_chunk().expect(\"parameters are whole\");\n    \
             let arena = arena.first_chunk_mut().expect(\"the arena is whole\");\n    \
             let _: (&[u8; {parameter_bytes}], &mut [u8; {arena_bytes}]) = (parameters, arena);\n    \
             {body}\n}}"
        );
        let _ = write!(names, "Some(layer{number}), ");
    }
    let slides = network.fed().is_some_and(|stage| stage.hop > 0);
    let output = network.output.offset;
    format!(
        "{declared}network! {{ n{index} PARAMETERS{block} {first} {output} {arena_bytes} {slides} \
         [{names}]\n{functions}}}\n"
    )
}

/// The turns of a stage, as `include_model!` writes them.
fn striped(
    stage: &Stage,
    layers: &[Layer],
    kernels: &[Kernel],
    [parameters, arena]: [usize; 2],
    image: &Path,
) -> String {
    let lines = stage.lines(layers).expect("the stage is valid");
    let held = mixq_format::Trace::new(stage, &lines).held;
    let mut calls = String::new();
    for (index, number) in stage.range().enumerate() {
        let table = format!("{:?}", layers[number].table());
        let kind = table.split(' ').next().expect("a table begins with its type");
        let striped = format!("mixq_rt::format::Striped::<{kind}, {parameters}, {arena}>");
        let held = stage.held_of(&layers[number], index, &lines, &held);
        let call = kernels[number].call("table");
        let _ = writeln!(
            calls,
            "{{
                #[inline(never)]
                fn on_rows(
                    turns: &mixq_rt::format::Turns<'_>,
                    parameters: &[u8; {parameters}],
                    arena: &mut [u8; {arena}],
                ) {{
                    static TABLE: {striped} = {striped}::new({table}, {held:?});
                    let table = core::hint::black_box(&TABLE);
                    table.stripe(turns, {index}, arena, |table, arena| {{ {call} }});
                }}
                on_rows(&turns, parameters, arena);
            }}"
        );
    }
    let begin = "Turns::new(lines, &stage, arena)";
    let turns = match lines.get(usize::from(stage.layers)) {
        None => format!("let turns = {begin}; while turns.next(arena) {{ {calls} }}"),
        Some(input) => {
            let row = input.row_bytes as usize;
            let (first, begin) = match usize::from(stage.hop) {
                0 => (0, format!("let turns = {begin}; turns.next(arena);")),
                // The first run executes a whole window, and the others one that follows it.
                hop => (
                    usize::from(input.height) % hop * row,
                    format!(
                        "static BEGUN: AtomicBool = AtomicBool::new(false);
                        let turns = if BEGUN.load(Ordering::Relaxed) {{
                            let turns = Turns::resume(lines, &stage);
                            turns.slide(arena, {hop}).expect(\"the window before is whole\");
                            rows = &rows[FIRST..FIRST + {}];
                            turns
                        }} else {{
                            BEGUN.store(true, Ordering::Relaxed);
                            let turns = {begin};
                            turns.next(arena);
                            turns
                        }};",
                        hop * row
                    ),
                ),
            };
            format!(
                "const FIRST: usize = {first};
                let mut rows: &[u8] = include_bytes!({image:?});
                {begin}
                while turns.take(arena, &mut rows, {row}, |from, to| to.copy_from_slice(from)) {{
                    {calls}
                    turns.next(arena);
                }}"
            )
        }
    };
    format!(
        "use core::sync::atomic::{{AtomicBool, Ordering}};
        use mixq_rt::format::{{Line, Turns}};
        static LINES: &[Line] = &{:?};
        let stage = mixq_rt::format::{stage:?};
        let lines = core::hint::black_box(LINES);
        {turns}",
        &lines[..]
    )
}
