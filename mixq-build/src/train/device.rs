//! Where a training computes.

use tch::{Cuda, Device};

use crate::config::DeviceChoice;
use crate::error::Problem;
use crate::graph::Graph;

/// The device that the settings ask for.
///
/// # Errors
/// CUDA is asked for, but libtorch has none, or sees no GPU.
pub fn device(choice: DeviceChoice) -> Result<Device, Problem> {
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Auto => Ok(Device::cuda_if_available()),
        DeviceChoice::Cuda if Cuda::is_available() => Ok(Device::Cuda(0)),
        DeviceChoice::Cuda => {
            let message = "`device` is \"cuda\", but this libtorch has no CUDA, or there is no GPU";
            Err(Problem::new(message).help(
                "set device = \"auto\" to use a GPU where there is one, or set LIBTORCH to a libtorch built with CUDA",
            ))
        }
    }
}

/// One thread for every 200 million multiply-accumulates of a batch, as far as there are processors and OMP_NUM_THREADS allows:
/// with less to do, threads wait for each other longer than they work, and far longer where something else runs beside.
pub fn threads(graph: &Graph, batch: u32) -> i32 {
    let macs: u64 = (0..graph.nodes.len()).map(|node| graph.macs(node)).sum();
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let allowed = std::env::var("OMP_NUM_THREADS").ok().and_then(|number| number.parse().ok());
    let most = processors.min(allowed.unwrap_or(processors)).max(1);
    (macs * u64::from(batch) / 200_000_000).clamp(1, most) as i32
}
