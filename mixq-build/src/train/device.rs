//! The device and the machine that a training computes on.

use std::sync::OnceLock;

use tch::{Cuda, Device};

use crate::error::Problem;
use crate::graph::Graph;
use crate::settings::DeviceChoice;

/// The device that the settings ask for. Of several GPUs, each process of a machine has its own: that of its
/// number there.
///
/// # Errors
/// CUDA is asked for, but libtorch has none, or sees no GPU; or a process has no GPU of its own.
pub fn device(choice: DeviceChoice, process: usize) -> Result<Device, Problem> {
    let gpus = || usize::try_from(Cuda::device_count()).unwrap_or(0);
    let gpu = || {
        if process < gpus() {
            return Ok(Device::Cuda(process));
        }
        let message = format!("process {process} of this machine has no GPU: there are {}", gpus());
        Err(Problem::new(message).help("start as many processes as there are GPUs, or set device = \"cpu\""))
    };
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Auto if !Cuda::is_available() => Ok(Device::Cpu),
        DeviceChoice::Auto => gpu(),
        DeviceChoice::Cuda if Cuda::is_available() => gpu(),
        DeviceChoice::Cuda => {
            let message = "`device` is \"cuda\", but this libtorch has no CUDA, or there is no GPU";
            Err(Problem::new(message).help(
                "set device = \"auto\" to use a GPU where there is one, or set LIBTORCH to a libtorch built \
                 with CUDA",
            ))
        }
    }
}

/// A machine, as far as the bytes of an artifact depend on it: the order of sums depends on the number of
/// threads, their rounding on the instructions of the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Number of threads that compute.
    pub threads: u32,
    /// Kind of processor.
    pub cpu: String,
}

impl Machine {
    /// This machine, for batches of this size.
    pub fn here(graph: &Graph, batch: u32, device: Device) -> Machine {
        let on_gpu = if device == Device::Cpu { "" } else { ", and CUDA" };
        Machine { threads: threads(graph, batch), cpu: format!("{}{on_gpu}", cpu()) }
    }
}

/// One thread for every 200 million multiply-accumulates of a batch, but no more than OMP_NUM_THREADS, or
/// than there are processors. With less work a thread waits longer for the others than it works, and much
/// longer on a busy machine.
fn threads(graph: &Graph, batch: u32) -> u32 {
    let macs: u64 = (0..graph.nodes.len()).map(|node| graph.macs(node)).sum();
    let allowed = std::env::var("OMP_NUM_THREADS").ok().and_then(|number| number.parse().ok());
    let processors = || std::thread::available_parallelism().map_or(1, usize::from) as u32;
    (macs * u64::from(batch) / 200_000_000).clamp(1, u64::from(allowed.unwrap_or_else(processors).max(1)))
        as u32
}

/// The kind of this machine's processor: on Linux its name, elsewhere its instruction set.
pub fn cpu() -> &'static str {
    static CPU: OnceLock<String> = OnceLock::new();
    CPU.get_or_init(|| {
        let told = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| kind_of(&text));
        told.unwrap_or_else(|| std::env::consts::ARCH.to_string())
    })
}

/// The name of the first processor, and the vector instructions by which libtorch chooses its kernels.
fn kind_of(cpuinfo: &str) -> Option<String> {
    const VECTORS: [&str; 7] = ["avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "sve"];
    let value = |wanted: &str| {
        let mut fields = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(key, _)| key.trim() == wanted).map(|(_, value)| value.trim())
    };
    let name = match value("model name") {
        Some(name) => name.to_string(),
        // Arm processors have numbers.
        None => format!("Arm {} part {}", value("CPU implementer")?, value("CPU part")?),
    };
    let flags: Vec<&str> = value("flags").or(value("Features")).unwrap_or("").split_whitespace().collect();
    let vectors: Vec<&str> = VECTORS.into_iter().filter(|vector| flags.contains(vector)).collect();
    Some(if vectors.is_empty() { name } else { format!("{name} ({})", vectors.join(" ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_have_names() {
        let x86 = "processor\t: 0\nmodel name\t: AMD EPYC 7B13\nflags\t\t: fpu avx avx2 fma sha_ni\n\n\
                   processor\t: 1\nmodel name\t: another\n";
        assert_eq!(kind_of(x86).unwrap(), "AMD EPYC 7B13 (avx2 fma)");
        let arm = "processor\t: 0\nFeatures\t: fp asimd sve\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n";
        assert_eq!(kind_of(arm).unwrap(), "Arm 0x41 part 0xd40 (sve)");
        assert_eq!(kind_of("Hardware\t: something else\n"), None);
        assert!(!cpu().is_empty());
    }
}
