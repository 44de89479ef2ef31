#pragma once
// Small ordered maps as they lie in the ledger: tags, metadata, headers. Format in docs/formats/objects.md.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sagelet::storage {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string pack(const Pairs& pairs);
/// Bytes that were not made by pack() end the list early.
Pairs unpack(std::string_view bytes);
/// How many pairs, without copying them.
std::size_t count_packed(std::string_view bytes);
/// The first value of that name, or "".
std::string_view find(const Pairs& pairs, std::string_view name);

/// Unsigned LEB128, the number format of everything packed.
void put_number(std::string& to, std::uint64_t value);
/// Takes a number (or that number of bytes) off the front; nullopt when it is cut off.
std::optional<std::uint64_t> take_number(std::string_view& from);
std::optional<std::string_view> take_bytes(std::string_view& from);
void put_bytes(std::string& to, std::string_view bytes);

}  // namespace sagelet::storage
