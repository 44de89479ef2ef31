#pragma once
// Readable input for fuzz targets: a first line that names what is tried, then the text to try it with.
#include <cstdint>
#include <string_view>
#include <utility>

namespace sagelet {

/// {first line, rest}; without a newline all of it is the first line.
inline std::pair<std::string_view, std::string_view> named_input(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t end = all.find('\n');
  if (end == all.npos) return {all, {}};
  return {all.substr(0, end), all.substr(end + 1)};
}

}  // namespace sagelet
