// Authorization and Proxy-Authorization fields as any node may send them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/http/basic.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto basic = sagelet::http::parse_basic(text))
    if (basic->user.find(':') != std::string::npos) __builtin_trap();
  return 0;
}
