//! Compiles the shim against c10d in the libtorch that torch-sys has found.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=c10d");
    let variables = ["DEP_TCH_LIBTORCH_LIB", "LIBTORCH_INCLUDE", "LIBTORCH_CXX11_ABI"];
    for variable in variables.into_iter().chain(CUDA_HOMES).chain(NCCL_HOMES) {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    if std::env::var_os("CARGO_FEATURE_DOC_ONLY").is_some() {
        return;
    }
    let [system, processor] = ["CARGO_CFG_TARGET_OS", "CARGO_CFG_TARGET_ARCH"]
        .map(|variable| std::env::var(variable).unwrap_or_default());
    if let Err(error) = platform(&system, &processor).and_then(|()| shim()) {
        println!("cargo::error=training in several processes (feature `distributed`): {error}");
    }
}

/// Where the wheels of PyTorch have Gloo, and programs find shared libraries as this script says.
pub(crate) fn platform(system: &str, processor: &str) -> Result<()> {
    match (system, processor) {
        ("linux", "x86_64" | "aarch64") | ("macos", _) => Ok(()),
        _ => Err(format!(
            "{system} on {processor} is not supported, only Linux (x86_64, aarch64) and macOS are; build \
             without this feature"
        )
        .into()),
    }
}

fn shim() -> Result<()> {
    let libraries = std::env::var("DEP_TCH_LIBTORCH_LIB").map_err(|_| "torch-sys has not found libtorch")?;
    let libraries = Path::new(&libraries);
    let include = match std::env::var_os("LIBTORCH_INCLUDE") {
        // As torch-sys reads it.
        Some(folder) => PathBuf::from(folder),
        None => libraries.parent().ok_or("libtorch's folder of libraries has no parent")?.to_path_buf(),
    };
    let include = include.join("include");
    has_gloo(&include, libraries)?;
    let abi = std::env::var("LIBTORCH_CXX11_ABI").unwrap_or("1".into());
    let mut build = cc::Build::new();
    if std::env::var_os("CARGO_FEATURE_NCCL").is_some() {
        let homes = |names: &[&str]| -> Vec<PathBuf> {
            names.iter().filter_map(std::env::var_os).map(PathBuf::from).collect()
        };
        let (cuda, nccl) = has_nccl(libraries, &homes(&CUDA_HOMES), &homes(&NCCL_HOMES))?;
        build.define("USE_C10D_NCCL", None).include(cuda).include(nccl);
        println!("cargo::rustc-link-search=native={}", libraries.display());
        println!("cargo::rustc-link-lib=dylib=torch_cuda");
    }
    build
        .cpp(true)
        .std("c++17")
        .warnings(false)
        // Only calls are handed over here.
        .opt_level(1)
        .debug(false)
        .include("c10d/stubs")
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .define("USE_C10D_GLOO", None)
        .define("USE_DISTRIBUTED", None)
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        .file("c10d/shim.cpp")
        .try_compile("mixq_c10d")?;
    // Tests of this package find libtorch. Programs that others make need their own way to it.
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", libraries.display());
    Ok(())
}

/// Without this, the C++ compiler would name a header, or the linker symbols, without a way to mend it.
pub(crate) fn has_gloo(include: &Path, libraries: &Path) -> Result<()> {
    let help = "set LIBTORCH to a libtorch that has c10d with Gloo, as `cargo mixq setup` fetches it";
    let header = include.join("torch/csrc/distributed/c10d/ProcessGroupGloo.hpp");
    if !header.is_file() {
        return Err(format!("{} is not there; {help}", header.display()).into());
    }
    let names = ["libtorch_cpu.so", "libtorch_cpu.dylib"];
    let Some(library) = names.iter().map(|name| libraries.join(name)).find(|path| path.is_file()) else {
        // A static libtorch: the linker will tell.
        return Ok(());
    };
    // What the type information of the class has in the library.
    if contains(&library, b"N4c10d16ProcessGroupGlooE")? {
        return Ok(());
    }
    Err(format!("{} was made without Gloo; {help}", library.display()).into())
}

/// The variables that say where CUDA's toolkit is, and where NCCL is if it is elsewhere.
const CUDA_HOMES: [&str; 2] = ["CUDA_HOME", "CUDA_PATH"];
const NCCL_HOMES: [&str; 1] = ["NCCL_HOME"];

/// The folders with the headers of CUDA and of NCCL.
pub(crate) fn has_nccl(libraries: &Path, cuda: &[PathBuf], nccl: &[PathBuf]) -> Result<(PathBuf, PathBuf)> {
    let help = "or build without feature `nccl`: what GPUs exchange goes over the CPU then";
    let library = libraries.join("libtorch_cuda.so");
    if !library.is_file() || !contains(&library, b"N4c10d16ProcessGroupNCCLE")? {
        let library = library.display();
        return Err(format!(
            "{library} is not there, or has no NCCL; set LIBTORCH to a libtorch with both, {help}"
        )
        .into());
    }
    let usual = [PathBuf::from("/usr/local/cuda")];
    let cuda: Vec<&PathBuf> = cuda.iter().chain(&usual).collect();
    let find = |header: &str, homes: &[&PathBuf], variable: &str| -> Result<PathBuf> {
        let mut folders = homes.iter().map(|home| home.join("include"));
        folders.find(|folder| folder.join(header).is_file()).ok_or_else(|| {
            let homes: Vec<String> = homes.iter().map(|home| home.display().to_string()).collect();
            format!("include/{header} is not in {}; set {variable}, {help}", homes.join(" or ")).into()
        })
    };
    let system = PathBuf::from("/usr");
    let nccl: Vec<&PathBuf> = nccl.iter().chain(cuda.iter().copied()).chain([&system]).collect();
    Ok((find("cuda_runtime_api.h", &cuda, "CUDA_HOME")?, find("nccl.h", &nccl, "NCCL_HOME")?))
}

/// Bytes that are searched at a time.
pub(crate) const BLOCK: usize = 1 << 20;

pub(crate) fn contains(path: &Path, wanted: &[u8]) -> Result<bool> {
    let mut file = File::open(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let mut block = vec![0; BLOCK];
    // The end of a block stays, before the next: what is looked for may lie in both.
    let mut kept = 0;
    loop {
        let read = file.read(&mut block[kept..])?;
        let filled = kept + read;
        let found = |at: usize| block[..filled].get(at..at + wanted.len()) == Some(wanted);
        if (0..filled).filter(|at| block[*at] == wanted[0]).any(found) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        kept = filled.min(wanted.len() - 1);
        block.copy_within(filled - kept..filled, 0);
    }
}
