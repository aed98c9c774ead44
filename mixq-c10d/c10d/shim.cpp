// What shim.h declares, by c10d of libtorch.

#include "shim.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

C10_DECLARE_int(caffe2_log_level);

struct mixq_c10d_store {
  c10::intrusive_ptr<c10d::Store> store;
};

struct mixq_c10d_group {
  // Its base class: calls go through the table of functions inside libtorch, never through code that the
  // compiler makes here of the stubs of gloo.
  c10::intrusive_ptr<c10d::Backend> backend;
  std::chrono::milliseconds timeout;
  // Where its tensors are.
  at::Device device = at::kCPU;
  // A call that has begun, of NCCL.
  c10::intrusive_ptr<c10d::Work> work;
  // Whether a call may still be at work in a thread of c10d.
  bool stuck = false;
};

namespace {

using Bytes = std::vector<uint8_t>;
using Tensors = std::vector<at::Tensor>;
using std::chrono::milliseconds;

char *message_of(const char *text) {
  char *message = strdup(text);
  if (!message) std::abort();
  return message;
}

// Exceptions do not cross the border to Rust. Those of c10 have a call stack in what(), which does not help a user.
template <typename Body>
char *guarded(Body body) noexcept {
  try {
    body();
    return nullptr;
  } catch (const c10::Error &error) {
    return message_of(error.what_without_backtrace());
  } catch (const std::exception &error) {
    return message_of(error.what());
  } catch (...) {
    return message_of("an exception of unknown type");
  }
}

// c10d prints all that it throws, with call stacks. Only Python reads the level of TORCH_CPP_LOG_LEVEL; who
// sets this variable wants to see something.
void be_silent() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (!std::getenv("TORCH_CPP_LOG_LEVEL")) FLAGS_caffe2_log_level = 3;
  });
}

at::Tensor bytes_of(const void *pointer, at::Device device) {
  const at::Tensor &tensor = *static_cast<const at::Tensor *>(pointer);
  TORCH_CHECK(tensor.defined() && tensor.layout() == at::kStrided && tensor.device() == device &&
                  tensor.scalar_type() == at::kByte && tensor.dim() == 1 && tensor.is_contiguous(),
              "a tensor must be bytes in a row on the device of its group");
  return tensor;
}

c10::intrusive_ptr<c10d::Work> begin_all_gather(mixq_c10d_group &group, const void *in, void *out) {
  at::Tensor input = bytes_of(in, group.device), all = bytes_of(out, group.device);
  TORCH_CHECK(all.numel() == group.backend->getSize() * input.numel(), "the output has the wrong length");
  return group.backend->_allgather_base(all, input);
}

// gloo ends a call when nothing moves for the timeout. If it does not, its threads may still use the tensors:
// they hold them, and the group is not closed, since that would wait for these threads.
void finish(mixq_c10d_group &group, const c10::intrusive_ptr<c10d::Work> &work) {
  group.stuck = true;
  bool done = false;
  try {
    done = work->wait(group.timeout + std::chrono::seconds(2));
  } catch (...) {
    group.stuck = !work->isCompleted();
    throw;
  }
  group.stuck = false;
  TORCH_CHECK(done, "the call was aborted");
}

}  // namespace

extern "C" {

char *mixq_c10d_store_open(const char *host, unsigned short port, int serve, const char *prefix,
                           long long timeout_ms, mixq_c10d_store **out) {
  return guarded([&] {
    be_silent();
    c10d::TCPStoreOptions options;
    options.port = port;
    options.isServer = serve != 0;
    options.waitWorkers = false;
    options.timeout = milliseconds(timeout_ms);
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    *out = new mixq_c10d_store{c10::make_intrusive<c10d::PrefixStore>(prefix, std::move(store))};
  });
}

char *mixq_c10d_store_set(mixq_c10d_store *store, const char *key, const unsigned char *bytes,
                          unsigned long count) {
  return guarded([&] { store->store->set(key, Bytes(bytes, bytes + count)); });
}

char *mixq_c10d_store_get(mixq_c10d_store *store, const char *key, long long timeout_ms, unsigned char **out,
                          unsigned long *count) {
  return guarded([&] {
    store->store->wait({key}, milliseconds(timeout_ms));
    const Bytes bytes = store->store->get(key);
    auto *memory = static_cast<unsigned char *>(std::malloc(bytes.size() + 1));
    if (!memory) throw std::bad_alloc();
    std::memcpy(memory, bytes.data(), bytes.size());
    *out = memory;
    *count = bytes.size();
  });
}

char *mixq_c10d_store_has(mixq_c10d_store *store, const char *key, int *out) {
  return guarded([&] { *out = store->store->check({key}) ? 1 : 0; });
}

char *mixq_c10d_store_add(mixq_c10d_store *store, const char *key, long long number, long long *out) {
  return guarded([&] { *out = store->store->add(key, number); });
}

void mixq_c10d_store_close(mixq_c10d_store *store) {
  mixq_c10d_free(guarded([&] { delete store; }));
}

char *mixq_c10d_group_open(mixq_c10d_store *store, int rank, int size, const char *interface,
                           const char *address, long long timeout_ms, mixq_c10d_group **out) {
  return guarded([&] {
    using Gloo = c10d::ProcessGroupGloo;
    const milliseconds timeout(timeout_ms);
    auto options = Gloo::Options::create(timeout);
    options->devices.push_back(interface ? Gloo::createDeviceForInterface(interface)
                                         : Gloo::createDeviceForHostname(address));
    auto keys = c10::make_intrusive<c10d::PrefixStore>("gloo", store->store);
    auto backend = c10::make_intrusive<Gloo>(std::move(keys), rank, size, std::move(options));
    *out = new mixq_c10d_group{std::move(backend), timeout};
  });
}

char *mixq_c10d_group_set_timeout(mixq_c10d_group *group, long long timeout_ms) {
  return guarded([&] {
    group->timeout = milliseconds(timeout_ms);
    group->backend->setTimeout(group->timeout);
  });
}

char *mixq_c10d_all_gather(mixq_c10d_group *group, const void *in, void *out) {
  return guarded([&] { finish(*group, begin_all_gather(*group, in, out)); });
}

char *mixq_c10d_broadcast(mixq_c10d_group *group, void *tensor, int root) {
  return guarded([&] {
    Tensors tensors{bytes_of(tensor, group->device)};
    TORCH_CHECK(root >= 0 && root < group->backend->getSize(), "there is no rank ", root);
    c10d::BroadcastOptions options;
    options.rootRank = root;
    finish(*group, group->backend->broadcast(tensors, options));
  });
}

int mixq_c10d_has_nccl(void) {
#ifdef USE_C10D_NCCL
  return 1;
#else
  return 0;
#endif
}

char *mixq_c10d_nccl_open(mixq_c10d_store *store, int rank, int size, int gpu, long long timeout_ms,
                          mixq_c10d_group **out) {
  return guarded([&] {
#ifdef USE_C10D_NCCL
    // Threads of c10d would end the process where a call fails, before it can say which rank is missing.
    setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", 1);
    setenv("TORCH_NCCL_ENABLE_MONITORING", "0", 1);
    const milliseconds timeout(timeout_ms);
    const at::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(gpu));
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = timeout;
    auto keys = c10::make_intrusive<c10d::PrefixStore>("nccl", store->store);
    c10::intrusive_ptr<c10d::Backend> backend =
        c10::make_intrusive<c10d::ProcessGroupNCCL>(std::move(keys), rank, size, std::move(options));
    backend->eagerConnectSingleDevice(device);
    *out = new mixq_c10d_group{std::move(backend), timeout, device};
#else
    (void)store, (void)rank, (void)size, (void)gpu, (void)timeout_ms, (void)out;
    TORCH_CHECK(false, "this program was compiled without NCCL");
#endif
  });
}

char *mixq_c10d_nccl_begin(mixq_c10d_group *group, const void *in, void *out) {
  return guarded([&] {
    group->stuck = true;
    group->work = begin_all_gather(*group, in, out);
  });
}

char *mixq_c10d_nccl_wait(mixq_c10d_group *group, long long timeout_ms, int *out) {
  return guarded([&] {
    TORCH_CHECK(group->work, "no call has begun");
    const auto end = std::chrono::steady_clock::now() + milliseconds(timeout_ms);
    while (!group->work->isCompleted()) {
      if (std::chrono::steady_clock::now() >= end) {
        *out = 0;
        return;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
    if (const std::exception_ptr error = group->work->exception()) std::rethrow_exception(error);
    // What comes next on the GPU sees what was written.
    group->work->synchronize();
    group->work.reset();
    group->stuck = false;
    *out = 1;
  });
}

void mixq_c10d_group_close(mixq_c10d_group *group) {
  if (!group || group->stuck) return;
  mixq_c10d_free(guarded([&] { delete group; }));
}

void mixq_c10d_free(void *memory) { std::free(memory); }

}  // extern "C"
