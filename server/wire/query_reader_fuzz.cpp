#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/wire/protocol.hpp"

/// The whole way of a query request: form, action, parameters, and an answer made of them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet;
  static const auto& service = *model::find_service("iam");
  const auto& protocol = wire::protocol_of(service.protocol);
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const http::Head head{.method = "POST", .target = "/"};
  const auto match = protocol.match(service, head, head.target, body);
  if (!match) return 0;
  Output output;
  if (auto read = protocol.parse(*match, head, head.target, body)) output.fields = std::move(*read);
  (void)protocol.serialise(service, *match->operation, std::move(output), "id");
  return 0;
}
