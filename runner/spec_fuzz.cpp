#include <cstddef>
#include <cstdint>

#include "runner/spec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto spec = sagelet::JobSpec::from_json(text)) (void)sagelet::JobSpec::from_json(spec->to_json());
  if (const auto report = sagelet::Report::from_json(text)) (void)report->to_json();
  return 0;
}
