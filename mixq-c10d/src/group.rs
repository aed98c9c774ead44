use std::sync::Arc;
use std::time::{Duration, Instant};

use tch::{Device, Kind, Tensor};

use crate::beat::Beat;
use crate::call::{self, Call, What};
use crate::contract::Contract;
use crate::error::{Error, Result};
use crate::form::{Form, libtorch};
use crate::gpu::Gpu;
use crate::join::{Joined, join};
use crate::lost::explain;
use crate::options::Options;
use crate::raw::{Connections, Store};

/// One process among all that train together.
///
/// All processes make the same calls in the same order. A call returns when all of them have made it. After
/// an error the group has ended, and each later call says the same; only what a call refuses before it sends
/// anything leaves the group as it is.
///
/// A process that drops its group ends the calls of all others: [`Group::barrier`] is the last call of all.
pub struct Group {
    pub(crate) options: Options,
    warnings: Vec<String>,
    /// What has ended the group.
    failure: Option<Error>,
    // Dropped in this order: the others see closed connections, and then why.
    pub(crate) gpu: Option<Gpu>,
    connections: Option<Connections>,
    _beat: Beat,
    pub(crate) store: Arc<Store>,
}

impl Group {
    /// Joins the group, and waits for all other processes.
    ///
    /// Rank 0 serves at the port as long as it is in the group, unless torchrun's agent does so. A group is
    /// joined once: for the next one, port or `restarts` are others.
    ///
    /// # Errors
    /// Options that cannot be; the port is taken; nothing answers there within the time, or another program
    /// does; ranks that do not come, or are there twice; `contract` differs between two ranks; ranks cannot
    /// connect to each other.
    pub fn join(options: &Options, contract: &Contract) -> Result<Group> {
        let Joined { store, beat, connections, warnings } = join(options, contract)?;
        Ok(Group {
            options: options.clone(),
            warnings,
            failure: None,
            gpu: None,
            connections: Some(connections),
            _beat: beat,
            store,
        })
    }

    /// Which process this is: 0 to `size - 1`.
    pub fn rank(&self) -> usize {
        self.options.rank
    }

    /// Processes in the group.
    pub fn size(&self) -> usize {
        self.options.size
    }

    /// What differs between ranks and should not, as all found when they joined; for rank 0 to show.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Waits until all processes are here.
    ///
    /// # Errors
    /// A rank has ended, cannot be reached, or is not here within the time for calls: it is named.
    pub fn barrier(&mut self) -> Result<()> {
        self.announce(What::Barrier, None).map(drop)
    }

    /// The tensors of all ranks, by rank, on the device of this one. Their shapes and kinds may differ.
    ///
    /// The tensor is dense, has at most 8 dimensions, and any device: it is exchanged by way of the CPU, or,
    /// after [`Group::connect_gpus`], directly if those of all ranks are on their GPUs.
    ///
    /// # Errors
    /// As of [`Group::barrier`]; a tensor that cannot be exchanged.
    pub fn all_gather(&mut self, tensor: &Tensor) -> Result<Vec<Tensor>> {
        let form = Form::of(tensor)?;
        let calls = self.announce(What::AllGather, Some((&form, tensor.device())))?;
        let device = if calls.iter().all(|call| call.on_gpu) { tensor.device() } else { Device::Cpu };
        let forms: Vec<Form> = calls.into_iter().filter_map(|call| call.form).collect();
        self.exchange(tensor, &form, &forms, device).map_err(|error| self.end(error))
    }

    /// The tensors of all ranks, which have told their forms. They are exchanged between these devices.
    fn exchange(
        &mut self,
        tensor: &Tensor,
        form: &Form,
        forms: &[Form],
        device: Device,
    ) -> Result<Vec<Tensor>> {
        // gloo wants the same length of all.
        let length = forms.iter().filter_map(|form| form.bytes()).max().unwrap_or(0);
        let own = padded(tensor, form, length, device)?;
        let rows = self.gather(&own)?;
        let rows = rows.f_view([rows_of(self.size()), -1]).map_err(libtorch)?;
        let mut tensors = Vec::with_capacity(forms.len());
        for (row, form) in (0..).zip(forms) {
            let row = rows.f_select(0, row).map_err(libtorch)?;
            tensors.push(form.tensor(&row)?.f_to_device(tensor.device()).map_err(libtorch)?);
        }
        Ok(tensors)
    }

    /// The bytes of all ranks, by rank. Their lengths may differ.
    ///
    /// # Errors
    /// As of [`Group::barrier`].
    pub fn all_gather_bytes(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        let tensors = self.all_gather(&Tensor::f_from_slice(bytes).map_err(libtorch)?)?;
        tensors.iter().map(|tensor| Vec::try_from(tensor).map_err(libtorch)).collect()
    }

    /// The tensor of the rank `root`, on the CPU. That rank gives it, others give `None`.
    ///
    /// # Errors
    /// As of [`Group::barrier`]; there is no such rank; the root gives no tensor, or one that cannot be
    /// exchanged.
    pub fn broadcast(&mut self, root: usize, tensor: Option<&Tensor>) -> Result<Tensor> {
        if root >= self.size() || (root == self.rank() && tensor.is_none()) {
            return Err(Error::new(format!("rank {root} has nothing to send to all")));
        }
        let tensor = tensor.filter(|_| root == self.rank());
        let form = tensor.map(Form::of).transpose()?;
        let calls = self.announce(What::Broadcast { root }, form.as_ref().map(|form| (form, Device::Cpu)))?;
        let form = calls.into_iter().nth(root).and_then(|call| call.form);
        self.spread(root, tensor, form).map_err(|error| self.end(error))
    }

    /// The tensor of the rank `root`, which has told its form.
    fn spread(&mut self, root: usize, tensor: Option<&Tensor>, form: Option<Form>) -> Result<Tensor> {
        let form = form.ok_or_else(|| Error::new(format!("rank {root} sends nothing")))?;
        let length = form.bytes().unwrap_or(0);
        let mut bytes = match tensor {
            Some(tensor) => padded(tensor, &form, length, Device::Cpu)?,
            None => zeros(length, Device::Cpu)?,
        };
        if length > 0 {
            self.call(|connections| connections.broadcast(&mut bytes, root))?;
        }
        form.tensor(&bytes)
    }

    /// The bytes of the rank `root`. That rank gives them, others give `None`.
    ///
    /// # Errors
    /// As of [`Group::broadcast`].
    pub fn broadcast_bytes(&mut self, root: usize, bytes: Option<&[u8]>) -> Result<Vec<u8>> {
        let tensor = bytes.map(Tensor::f_from_slice).transpose().map_err(libtorch)?;
        let tensor = self.broadcast(root, tensor.as_ref())?;
        Vec::try_from(tensor).map_err(libtorch)
    }

    /// Whether all ranks have in common what they must have. The answer is what should be equal and is not.
    ///
    /// # Errors
    /// As of [`Group::barrier`]; values that must be equal differ: both sides and both ranks are named. All
    /// ranks say the same then, and the group goes on.
    pub fn agree(&mut self, contract: &Contract) -> Result<Vec<String>> {
        let contracts = self.all_gather_bytes(&contract.encode())?;
        let contracts: Option<Vec<Contract>> =
            contracts.iter().map(|bytes| Contract::decode(bytes)).collect();
        let contracts = contracts.ok_or_else(|| Error::new("the ranks do not do the same"))?;
        Contract::compare(&contracts)
    }

    /// Tells all others which call this rank makes. The answer is what all do, by rank.
    fn announce(&mut self, what: What, tensor: Option<(&Form, Device)>) -> Result<Vec<Call>> {
        let on_gpu = tensor.is_some_and(|(_, device)| self.connects(device));
        let own = Call { what, form: tensor.map(|(form, _)| form.clone()), on_gpu }.encode();
        let gathered = self.gather(&Tensor::f_from_slice(&own).map_err(libtorch)?)?;
        let bytes = Vec::<u8>::try_from(gathered).map_err(libtorch)?;
        let calls: Option<Vec<Call>> = bytes.chunks_exact(call::BYTES).map(Call::decode).collect();
        let calls = calls.ok_or_else(|| Error::new("another rank is not a mixq of this version"));
        let same = calls.and_then(|calls| Call::compare(&calls).map(|()| calls));
        same.map_err(|error| self.end(error))
    }

    /// The bytes of all ranks, which have the same length, in one row, on the device where they are.
    fn gather(&mut self, own: &Tensor) -> Result<Tensor> {
        let length = own.numel().checked_mul(self.size());
        let mut all = zeros(length.ok_or_else(|| Error::new("too many bytes"))?, own.device())?;
        if all.numel() > 0 && own.device() == Device::Cpu {
            self.call(|connections| connections.all_gather(own, &mut all))?;
        } else if all.numel() > 0 {
            self.gather_by_gpu(own, &mut all)?;
        }
        Ok(all)
    }

    /// A call of c10d. Tensors that it was to fill must not be read after an error.
    fn call(&mut self, call: impl FnOnce(&mut Connections) -> std::result::Result<(), String>) -> Result<()> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let Some(connections) = &mut self.connections else {
            return Err(Error::new("the group has ended"));
        };
        let start = Instant::now();
        let Err(text) = call(connections) else { return Ok(()) };
        Err(self.lost(start, &text))
    }

    /// What to say of a call that has failed, and began then. The group ends.
    pub(crate) fn lost(&mut self, start: Instant, text: &str) -> Error {
        let waited = start.elapsed() + Duration::from_millis(100) >= self.options.collectives;
        // Now the calls of the others fail, too.
        self.connections = None;
        let error = explain(&self.store, &self.options, text, waited);
        self.end(error)
    }

    /// The others wait for what this rank does not send: no later call would meet one of theirs.
    pub(crate) fn end(&mut self, error: Error) -> Error {
        self.connections = None;
        self.failure = Some(error.clone());
        error
    }
}

fn rows_of(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Bytes in a row.
fn zeros(length: usize, device: Device) -> Result<Tensor> {
    let length = i64::try_from(length).map_err(|_| Error::new("too many bytes"))?;
    Tensor::f_zeros([length], (Kind::Uint8, device)).map_err(libtorch)
}

/// A copy of a tensor's bytes, and zeros behind them. It is a copy so that a call that has failed never reads
/// what its caller changes after that.
fn padded(tensor: &Tensor, form: &Form, length: usize, device: Device) -> Result<Tensor> {
    let bytes = zeros(length, device)?;
    let count = form.bytes().and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(0);
    if count > 0 {
        let flat = tensor
            .detach()
            .f_to_device(device)
            .and_then(|tensor| tensor.f_resolve_neg())
            .and_then(|tensor| tensor.f_contiguous())
            .and_then(|tensor| tensor.f_view([-1]))
            .and_then(|tensor| tensor.f_view_dtype(Kind::Uint8))
            .map_err(libtorch)?;
        bytes.f_narrow(0, 0, count).and_then(|mut part| part.f_copy_(&flat)).map_err(libtorch)?;
    }
    Ok(bytes)
}
