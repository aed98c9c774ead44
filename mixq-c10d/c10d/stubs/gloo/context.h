#pragma once
// What c10d's headers say of gloo::Context:
// it is only ever behind a pointer, and made inside libtorch.
#include <chrono>

namespace gloo {
class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};
}  // namespace gloo
