#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/wire/protocol.hpp"

/// Lines: method, target, headers until an empty line, then the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet;
  static const auto& service = *model::find_service("s3");
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&rest] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == rest.size() ? end : end + 1);
    return std::string(text);
  };
  http::Head head;
  head.method = line();
  head.target = line();
  for (std::string text = line(); !text.empty(); text = line()) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    head.headers.add(text.substr(0, colon), colon == text.size() ? "" : text.substr(colon + 1));
  }
  const auto& protocol = wire::protocol_of(service.protocol);
  const auto match = protocol.match(service, head, head.target, rest);
  if (!match) return 0;
  Output output;
  if (auto read = protocol.parse(*match, head, head.target, rest)) output.fields = std::move(*read);
  (void)protocol.serialise(service, *match->operation, std::move(output), "id");
  return 0;
}
