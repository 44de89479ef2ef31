#include "server/storage/pairs.hpp"

namespace sagelet::storage {

void put_number(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<char>(value | 0x80));
  to.push_back(static_cast<char>(value));
}

std::optional<std::uint64_t> take_number(std::string_view& from) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

void put_bytes(std::string& to, std::string_view bytes) {
  put_number(to, bytes.size());
  to.append(bytes);
}

std::optional<std::string_view> take_bytes(std::string_view& from) {
  const auto length = take_number(from);
  if (!length || *length > from.size()) return std::nullopt;
  const auto bytes = from.substr(0, *length);
  from.remove_prefix(*length);
  return bytes;
}

std::string pack(const Pairs& pairs) {
  std::string packed;
  for (const auto& [name, value] : pairs) {
    put_bytes(packed, name);
    put_bytes(packed, value);
  }
  return packed;
}

Pairs unpack(std::string_view bytes) {
  Pairs pairs;
  while (!bytes.empty()) {
    const auto name = take_bytes(bytes);
    const auto value = name ? take_bytes(bytes) : std::nullopt;
    if (!value) break;
    pairs.emplace_back(*name, *value);
  }
  return pairs;
}

std::size_t count_packed(std::string_view bytes) {
  std::size_t count = 0;
  while (!bytes.empty()) {
    if (!take_bytes(bytes) || !take_bytes(bytes)) break;
    ++count;
  }
  return count;
}

std::string_view find(const Pairs& pairs, std::string_view name) {
  for (const auto& [have, value] : pairs)
    if (have == name) return value;
  return {};
}

}  // namespace sagelet::storage
