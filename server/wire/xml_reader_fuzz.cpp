#include <cstddef>
#include <cstdint>

#include "base/fuzz_input.hpp"
#include "server/wire/xml_reader.hpp"

/// First line: an operation of S3. Rest: its body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet;
  static const auto& service = *model::find_service("s3");
  const auto [name, body] = named_input(data, size);
  const auto* operation = service.operation(name);
  if (operation == nullptr) return 0;
  const model::Member* payload = operation->input->payload;
  const model::Shape& shape = payload != nullptr && payload->shape->kind == model::Kind::kStructure
                                  ? *payload->shape
                                  : *operation->input;
  (void)wire::read_xml(shape, body);
  return 0;
}
