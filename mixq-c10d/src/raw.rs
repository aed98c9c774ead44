//! The functions of the shim as safe ones. `unsafe` is here alone.
//!
//! What c10d says comes as it is: who calls these functions knows what it means for people.

use std::ffi::{CStr, CString, c_char, c_int, c_ulong, c_void};
use std::ptr::{self, NonNull};
use std::time::Duration;

use tch::Tensor;

use crate::bindings as shim;

type Result<T> = std::result::Result<T, String>;

/// A connection to keys and values that all processes see. If this process serves them, they are there as
/// long as this is.
pub(crate) struct Store(NonNull<shim::mixq_c10d_store>);

// SAFETY: a TCPStore has a lock that each of its functions takes; the prefix before keys never changes.
unsafe impl Send for Store {}
// SAFETY: as above.
unsafe impl Sync for Store {}

impl Store {
    /// May never return, if something else than a store is at this port.
    pub(crate) fn open(host: &str, port: u16, serve: bool, prefix: &str, timeout: Duration) -> Result<Store> {
        let (host, prefix) = (text(host)?, text(prefix)?);
        let mut store = ptr::null_mut();
        // SAFETY: both texts end with a zero and live as long as the call; `store` may be written.
        let message = unsafe {
            let timeout = milliseconds(timeout);
            shim::mixq_c10d_store_open(
                host.as_ptr(),
                port,
                serve.into(),
                prefix.as_ptr(),
                timeout,
                &raw mut store,
            )
        };
        check(message)?;
        NonNull::new(store).map(Store).ok_or("no store was made".into())
    }

    pub(crate) fn set(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let key = text(key)?;
        // SAFETY: the store is open, the key ends with a zero, and there are as many bytes as are named.
        check(unsafe {
            shim::mixq_c10d_store_set(self.0.as_ptr(), key.as_ptr(), bytes.as_ptr(), bytes.len() as c_ulong)
        })
    }

    /// Waits until the key has a value.
    pub(crate) fn get(&self, key: &str, timeout: Duration) -> Result<Vec<u8>> {
        let key = text(key)?;
        let (mut bytes, mut count) = (ptr::null_mut(), 0);
        // SAFETY: the store is open, the key ends with a zero, and both variables may be written.
        check(unsafe {
            let timeout = milliseconds(timeout);
            let (bytes, count) = (&raw mut bytes, &raw mut count);
            shim::mixq_c10d_store_get(self.0.as_ptr(), key.as_ptr(), timeout, bytes, count)
        })?;
        // SAFETY: without a message there is this memory, which is ours and which is freed once.
        unsafe {
            let found = std::slice::from_raw_parts(bytes, count as usize).to_vec();
            shim::mixq_c10d_free(bytes.cast());
            Ok(found)
        }
    }

    pub(crate) fn has(&self, key: &str) -> Result<bool> {
        let key = text(key)?;
        let mut there = 0;
        // SAFETY: the store is open, the key ends with a zero, and `there` may be written.
        check(unsafe { shim::mixq_c10d_store_has(self.0.as_ptr(), key.as_ptr(), &raw mut there) })?;
        Ok(there != 0)
    }

    /// Adds to the number of a key, which is 0 at first, and says what it is then.
    pub(crate) fn add(&self, key: &str, number: i64) -> Result<i64> {
        let key = text(key)?;
        let mut sum = 0;
        // SAFETY: the store is open, the key ends with a zero, and `sum` may be written.
        check(unsafe { shim::mixq_c10d_store_add(self.0.as_ptr(), key.as_ptr(), number, &raw mut sum) })?;
        Ok(sum)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: it was opened, and nothing else has it any more.
        unsafe { shim::mixq_c10d_store_close(self.0.as_ptr()) }
    }
}

/// Connections of this process to all others of a group.
pub(crate) struct Connections(NonNull<shim::mixq_c10d_group>);

// SAFETY: c10d ties a group to no thread. Calls need `&mut`: there is one at a time.
unsafe impl Send for Connections {}

impl Connections {
    /// Waits for all other processes. Talks over the interface, or the one that has the address.
    pub(crate) fn open(
        store: &Store,
        rank: usize,
        size: usize,
        interface: Option<&str>,
        address: &str,
        timeout: Duration,
    ) -> Result<Connections> {
        let (rank, size) = (number(rank)?, number(size)?);
        let interface = interface.map(text).transpose()?;
        let address = text(address)?;
        let mut group = ptr::null_mut();
        // SAFETY: the store is open; texts end with a zero and live as long as the call; `group` may be
        // written. c10d keeps its own reference to the store.
        let message = unsafe {
            let interface = interface.as_ref().map_or(ptr::null(), |name| name.as_ptr());
            shim::mixq_c10d_group_open(
                store.0.as_ptr(),
                rank,
                size,
                interface,
                address.as_ptr(),
                milliseconds(timeout),
                &raw mut group,
            )
        };
        check(message)?;
        NonNull::new(group).map(Connections).ok_or("no group was made".into())
    }

    pub(crate) fn set_timeout(&mut self, timeout: Duration) -> Result<()> {
        // SAFETY: the group is open.
        check(unsafe { shim::mixq_c10d_group_set_timeout(self.0.as_ptr(), milliseconds(timeout)) })
    }

    /// Puts the bytes of all ranks into `output`, one after another. All ranks must give as many.
    ///
    /// After an error, threads of c10d may still write `output`: it must not be read then.
    pub(crate) fn all_gather(&mut self, input: &Tensor, output: &mut Tensor) -> Result<()> {
        let input = input.as_ptr().cast::<c_void>();
        let output = output.as_mut_ptr().cast::<c_void>();
        // SAFETY: the group is open, both pointers are an at::Tensor for tch, too. The shim refuses tensors
        // that are not bytes in a row, or of the wrong length. c10d keeps a reference while it uses their
        // memory.
        check(unsafe { shim::mixq_c10d_all_gather(self.0.as_ptr(), input, output) })
    }

    /// Puts the bytes of one rank into the tensor of all others. All ranks must give one of the same length.
    ///
    /// After an error, threads of c10d may still write `tensor`: it must not be read then.
    pub(crate) fn broadcast(&mut self, tensor: &mut Tensor, root: usize) -> Result<()> {
        let root = number(root)?;
        let tensor = tensor.as_mut_ptr().cast::<c_void>();
        // SAFETY: as for `all_gather`.
        check(unsafe { shim::mixq_c10d_broadcast(self.0.as_ptr(), tensor, root) })
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        // SAFETY: it was opened, and it has no other owner. What a call still uses the shim does not free.
        unsafe { shim::mixq_c10d_group_close(self.0.as_ptr()) }
    }
}

/// Whether the shim was compiled with NCCL.
pub(crate) fn has_nccl() -> bool {
    // SAFETY: it only answers.
    unsafe { shim::mixq_c10d_has_nccl() != 0 }
}

/// Connections of a GPU of this process to those of all others of a group.
pub(crate) struct GpuConnections(NonNull<shim::mixq_c10d_group>);

// SAFETY: as for `Connections`.
unsafe impl Send for GpuConnections {}

impl GpuConnections {
    /// Waits for all other processes.
    pub(crate) fn open(
        store: &Store,
        rank: usize,
        size: usize,
        gpu: usize,
        timeout: Duration,
    ) -> Result<GpuConnections> {
        let (rank, size, gpu) = (number(rank)?, number(size)?, number(gpu)?);
        let (store, timeout) = (store.0.as_ptr(), milliseconds(timeout));
        let mut group = ptr::null_mut();
        // SAFETY: the store is open; `group` may be written. c10d keeps its own reference to the store.
        check(unsafe { shim::mixq_c10d_nccl_open(store, rank, size, gpu, timeout, &raw mut group) })?;
        NonNull::new(group).map(GpuConnections).ok_or("no group was made".into())
    }

    /// Begins to put the bytes of all ranks, one after the other, into a tensor. Both are on the GPU. The
    /// output must not be read before [`GpuConnections::wait`] has said that it is done.
    pub(crate) fn begin_all_gather(&mut self, input: &Tensor, output: &mut Tensor) -> Result<()> {
        let input = input.as_ptr().cast::<c_void>();
        let output = output.as_mut_ptr().cast::<c_void>();
        // SAFETY: as for `Connections::all_gather`.
        check(unsafe { shim::mixq_c10d_nccl_begin(self.0.as_ptr(), input, output) })
    }

    /// Waits for what was begun, and no longer than this. Whether it is done.
    pub(crate) fn wait(&mut self, time: Duration) -> Result<bool> {
        let mut done = 0;
        // SAFETY: the group is open, and `done` may be written.
        check(unsafe { shim::mixq_c10d_nccl_wait(self.0.as_ptr(), milliseconds(time), &raw mut done) })?;
        Ok(done != 0)
    }
}

impl Drop for GpuConnections {
    fn drop(&mut self) {
        // SAFETY: as for `Connections`.
        unsafe { shim::mixq_c10d_group_close(self.0.as_ptr()) }
    }
}

fn text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| format!("{text:?} has a zero byte"))
}

fn number(number: usize) -> Result<c_int> {
    c_int::try_from(number).map_err(|_| format!("{number} is too large"))
}

fn milliseconds(duration: Duration) -> i64 {
    // For c10d 0 means for ever.
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).max(1)
}

fn check(message: *mut c_char) -> Result<()> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: it is a text that ends with a zero, it is ours, and it is freed once.
    unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        shim::mixq_c10d_free(message.cast());
        Err(text)
    }
}
