//! What the build script says where the shim cannot be compiled.

// What compiles the shim is for cargo alone.
#[allow(dead_code)]
#[path = "../build.rs"]
mod script;

use std::fs;
use std::path::Path;
use std::slice::from_ref;

fn said(include: &Path, libraries: &Path) -> String {
    script::has_gloo(include, libraries).unwrap_err().to_string()
}

#[test]
fn other_platforms_are_named() {
    for (system, processor) in [("linux", "x86_64"), ("linux", "aarch64"), ("macos", "aarch64")] {
        assert!(script::platform(system, processor).is_ok(), "{system} {processor}");
    }
    for (system, processor) in [("windows", "x86_64"), ("linux", "riscv64"), ("none", "arm"), ("", "")] {
        let error = script::platform(system, processor).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{system} on {processor} is not supported")), "{error}");
    }
}

#[test]
fn a_libtorch_without_headers_or_without_gloo_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (include, libraries) = (folder.path().join("include"), folder.path().join("lib"));
    let headers = include.join("torch/csrc/distributed/c10d");
    fs::create_dir_all(&headers).unwrap();
    fs::create_dir_all(&libraries).unwrap();
    let header = headers.join("ProcessGroupGloo.hpp");
    let error = said(&include, &libraries);
    assert!(error.starts_with(&format!("{} is not there; set LIBTORCH", header.display())), "{error}");
    fs::write(header, "").unwrap();
    let library = libraries.join("libtorch_cpu.so");
    fs::write(&library, b"N4c10d16ProcessGroupGloo").unwrap();
    let error = said(&include, &libraries);
    assert!(error.starts_with(&format!("{} was made without Gloo; set", library.display())), "{error}");
    fs::write(&library, b"..N4c10d16ProcessGroupGlooE..").unwrap();
    script::has_gloo(&include, &libraries).unwrap();
}

#[test]
fn what_is_missing_for_nccl_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let [libraries, cuda, nccl] = ["lib", "cuda", "nccl"].map(|name| folder.path().join(name));
    for folder in [&libraries, &cuda.join("include"), &nccl.join("include")] {
        fs::create_dir_all(folder).unwrap();
    }
    let found = || script::has_nccl(&libraries, from_ref(&cuda), from_ref(&nccl));
    let said = || found().unwrap_err().to_string();
    let library = libraries.join("libtorch_cuda.so");
    let missing = format!("{} is not there, or has no NCCL; set LIBTORCH", library.display());
    assert!(said().starts_with(&missing), "{}", said());
    fs::write(&library, b"..N4c10d17ProcessGroupOtherE..").unwrap();
    assert!(said().starts_with(&missing), "{}", said());
    fs::write(&library, b"..N4c10d16ProcessGroupNCCLE..").unwrap();
    // A machine with CUDA has its own.
    if !Path::new("/usr/local/cuda/include/cuda_runtime_api.h").is_file() {
        let missing = format!("include/cuda_runtime_api.h is not in {} or ", cuda.display());
        assert!(said().starts_with(&missing) && said().contains("set CUDA_HOME"), "{}", said());
    }
    fs::write(cuda.join("include/cuda_runtime_api.h"), "").unwrap();
    if !["/usr/local/cuda", "/usr"].iter().any(|home| Path::new(home).join("include/nccl.h").is_file()) {
        let missing = format!("include/nccl.h is not in {} or {} or ", nccl.display(), cuda.display());
        assert!(said().starts_with(&missing) && said().contains("set NCCL_HOME"), "{}", said());
    }
    fs::write(nccl.join("include/nccl.h"), "").unwrap();
    assert_eq!(found().unwrap(), (cuda.join("include"), nccl.join("include")));
}

#[test]
fn what_is_looked_for_may_lie_anywhere_in_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let wanted = b"Gloo";
    let length = 2 * script::BLOCK + 100;
    for at in [0, script::BLOCK - 5, script::BLOCK - 4, script::BLOCK - 2, script::BLOCK, length - 4] {
        let mut bytes = vec![b'G'; length];
        bytes[at..at + 4].copy_from_slice(wanted);
        fs::write(file.path(), &bytes).unwrap();
        assert!(script::contains(file.path(), wanted).unwrap(), "{at}");
        bytes[at + 3] = b'p';
        fs::write(file.path(), &bytes).unwrap();
        assert!(!script::contains(file.path(), wanted).unwrap(), "{at}");
    }
}
