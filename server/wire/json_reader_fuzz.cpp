#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/model/validate.hpp"
#include "server/wire/json_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet;
  static const auto& service = *model::find_service("sagemaker");
  if (size < 2) return 0;
  const auto& operation = service.operations[(data[0] * 256u + data[1]) % service.operations.size()];
  const std::string_view text(reinterpret_cast<const char*>(data + 2), size - 2);
  if (const auto read = wire::read_json(*operation.input, text)) model::violations(*operation.input, *read);
  return 0;
}
