#pragma once
// What c10d's headers say of gloo's transport:
// it is only ever behind a pointer, and made inside libtorch.
#include <memory>

namespace gloo::transport {
class Device;
class UnboundBuffer {
 public:
  virtual ~UnboundBuffer();
};
}  // namespace gloo::transport
