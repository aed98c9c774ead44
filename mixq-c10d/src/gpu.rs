//! Exchange between GPUs by NCCL, without a way over the CPU. What processes tell each other before a call,
//! and how they find out who is missing, goes over Gloo and the store as always.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tch::{Device, Tensor};

use crate::error::{Error, Result, first_line};
use crate::group::Group;
use crate::lost::{Watch, ended};
use crate::meet::GRACE;
use crate::raw::{GpuConnections, has_nccl};
use crate::watch::within;

/// The GPU of this process, connected with those of all others.
pub(crate) struct Gpu {
    index: usize,
    connections: GpuConnections,
}

/// Between two looks at the signs of life of the others.
const LOOK: Duration = Duration::from_millis(500);

impl Group {
    /// Connects the GPU of this process with those of all others, if all of them have one and were compiled
    /// with feature `nccl`. Whether that is so; otherwise tensors go over the CPU. It is a call that all
    /// processes make. No two processes have the same GPU.
    ///
    /// # Errors
    /// As of [`Group::barrier`]; NCCL cannot connect the GPUs.
    pub fn connect_gpus(&mut self, gpu: Option<usize>) -> Result<bool> {
        let is_connected = gpu.is_some_and(|gpu| self.connects(Device::Cuda(gpu)));
        let can = gpu.is_some() && has_nccl();
        let all = self.all_gather_bytes(&[u8::from(can), u8::from(is_connected)])?;
        let all_are = |what: usize| all.iter().all(|bytes| bytes.get(what) == Some(&1));
        let Some(index) = gpu.filter(|_| all_are(0)) else { return Ok(false) };
        if all_are(1) {
            return Ok(true);
        }
        let limit = self.options.joining.max(GRACE);
        let (store, options) = (Arc::clone(&self.store), self.options.clone());
        let opened = within(limit + GRACE, move || {
            GpuConnections::open(&store, options.rank, options.size, index, options.collectives)
        });
        match opened.unwrap_or(Err("no answer".into())) {
            Ok(connections) => {
                self.gpu = Some(Gpu { index, connections });
                Ok(true)
            }
            Err(text) => {
                let error = ended(&self.store, &self.options).unwrap_or_else(|| {
                    let rank = self.options.rank;
                    let message =
                        format!("rank {rank} cannot connect its GPU {index} by NCCL ({})", first_line(&text));
                    Error::new(message)
                        .with_help("build without feature `nccl`: tensors go over the CPU then")
                });
                Err(self.end(error))
            }
        }
    }

    /// Whether this device is a GPU that is connected with those of the others.
    pub(crate) fn connects(&self, device: Device) -> bool {
        self.gpu.as_ref().is_some_and(|gpu| device == Device::Cuda(gpu.index))
    }

    /// Puts the bytes of all ranks into a tensor. NCCL may wait for ever for a process that has ended: the
    /// store tells.
    pub(crate) fn gather_by_gpu(&mut self, own: &Tensor, all: &mut Tensor) -> Result<()> {
        let start = Instant::now();
        let mut watch = Watch::new(self.size());
        let failed = match &mut self.gpu {
            None => return Err(Error::new("GPUs are not connected")),
            Some(gpu) => match gpu.connections.begin_all_gather(own, all) {
                Err(text) => text,
                Ok(()) => loop {
                    match gpu.connections.wait(LOOK) {
                        Err(text) => break text,
                        Ok(true) => return Ok(()),
                        Ok(false) if start.elapsed() >= self.options.collectives => {
                            break "NCCL has waited too long".into();
                        }
                        Ok(false) if watch.misses(&self.store, self.options.rank) => {
                            break "NCCL waits for a process that has ended".into();
                        }
                        Ok(false) => {}
                    }
                },
            },
        };
        self.gpu = None;
        Err(self.lost(start, &failed))
    }
}
