#include <cstddef>
#include <cstdint>

#include "base/fuzz_input.hpp"
#include "server/model/validate.hpp"
#include "server/wire/json_reader.hpp"

/// First line: an operation of SageMaker. Rest: its body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet;
  static const auto& service = *model::find_service("sagemaker");
  const auto [name, body] = named_input(data, size);
  const auto* operation = service.operation(name);
  if (operation == nullptr) return 0;
  if (const auto read = wire::read_json(*operation->input, body)) model::violations(*operation->input, *read);
  return 0;
}
