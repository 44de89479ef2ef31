#include <cstddef>
#include <cstdint>

#include "runner/slurm/nodes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)sagelet::runner::node_address({reinterpret_cast<const char*>(data), size});
  return 0;
}
