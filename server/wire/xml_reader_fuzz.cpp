#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/wire/xml_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet;
  static const auto& service = *model::find_service("s3");
  if (size < 2) return 0;
  const auto& operation = service.operations[data[0] % service.operations.size()];
  const model::Member* payload = operation.input->payload;
  const model::Shape& shape = payload != nullptr && payload->shape->kind == model::Kind::kStructure
                                  ? *payload->shape
                                  : *operation.input;
  (void)wire::read_xml(shape, {reinterpret_cast<const char*>(data + 1), size - 1});
  return 0;
}
