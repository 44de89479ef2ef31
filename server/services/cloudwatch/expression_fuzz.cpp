#include <cstdint>

#include "server/services/cloudwatch/expression.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet::cloudwatch;
  Surroundings around{.span = {0, 600'000}, .metrics = {}, .find = {}};
  around.metrics.push_back({.id = "m1", .label = "one", .points = {{0, 1}, {120'000, -2}}});
  around.metrics.push_back({.id = "m2", .label = "two", .points = {{60'000, 0}}});
  around.find = [&](std::string_view id) -> sagelet::Result<Value> {
    for (const Series& series : around.metrics)
      if (series.id == id) return Value(series);
    return sagelet::Error(sagelet::ErrorKind::kInvalid, "unknown");
  };
  (void)evaluate({reinterpret_cast<const char*>(data), size}, around);
  return 0;
}
