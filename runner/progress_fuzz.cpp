#include <cstddef>
#include <cstdint>

#include "runner/progress.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto progress = sagelet::Progress::from_json(text)) (void)progress->to_json();
  return 0;
}
