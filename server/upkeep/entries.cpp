#include "server/upkeep/entries.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/digest.hpp"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/storage/bodies.hpp"

namespace sagelet::upkeep {

namespace {

constexpr std::string_view kObjects = "objects/";
constexpr std::size_t kHexDigits = 16;

/// "3f/0006345d8a3c213f": the number, whose last byte is the folder.
std::optional<std::filesystem::path> place_of_body(std::string_view name) {
  constexpr std::size_t kFolder = 3;  // "3f/"
  if (name.size() != kFolder + kHexDigits) return std::nullopt;
  std::uint64_t id = 0;
  const auto* end = name.data() + name.size();
  const auto [stopped, failure] = std::from_chars(name.data() + kFolder, end, id, 16);
  if (failure != std::errc() || stopped != end || id == 0) return std::nullopt;
  if (id > static_cast<std::uint64_t>(std::numeric_limits<storage::BodyId>::max())) return std::nullopt;
  const auto made = storage::relative_body_path(static_cast<storage::BodyId>(id));
  if (made != name) return std::nullopt;
  return std::filesystem::path(kObjects) / made;
}

std::string_view line_at(std::string_view text, std::size_t at) {
  return text.substr(at, std::min(text.find('\n', at), text.size()) - at);
}

std::string name_in(std::string_view line) {
  return std::string(line.substr(std::min(line.rfind(' ') + 1, line.size())));
}

}  // namespace

std::optional<std::filesystem::path> place_of_entry(std::string_view name) {
  for (const std::string_view fixed : {"ledger.db", "authority/ca.key", "authority/ca.pem"})
    if (name == fixed) return std::filesystem::path(fixed);
  if (name.starts_with(kObjects)) return place_of_body(name.substr(kObjects.size()));
  return std::nullopt;
}

std::string digest_line(std::string_view name, std::uint64_t size, std::string_view raw_sha256) {
  return fmt::format("{} {} {}\n", to_hex(raw_sha256), size, name);
}

std::string heading() {
  return nlohmann::json{{"format", kFormat}}.dump() + "\n";
}

std::string heading_problem(std::string_view text) {
  const auto parsed = nlohmann::json::parse(text, nullptr, false);
  const auto format = parsed.is_object() ? parsed.find("format") : parsed.end();
  if (!parsed.is_object() || format == parsed.end() || !format->is_number_integer())
    return "its first entry is not a snapshot's";
  if (format->get<std::int64_t>() == kFormat) return {};
  return "it was made by a newer sagelet: restore it with that one";
}

std::string first_difference(std::string_view written, std::string_view found) {
  std::size_t at = 0;
  while (at < written.size() || at < found.size()) {
    const auto a = at < written.size() ? line_at(written, at) : std::string_view();
    const auto b = at < found.size() ? line_at(found, at) : std::string_view();
    if (a != b) return name_in(a.empty() ? b : a);
    at += a.size() + 1;
  }
  return {};
}

}  // namespace sagelet::upkeep
