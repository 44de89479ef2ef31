#include <cstdint>

#include "server/wire/cbor_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet;
  static const auto& shape = *model::find_service("cloudwatch")->operation("PutMetricData")->input;
  (void)wire::read_cbor(shape, {reinterpret_cast<const char*>(data), size});
  return 0;
}
