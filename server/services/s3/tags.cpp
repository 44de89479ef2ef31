#include "server/services/s3/tags.hpp"

#include <algorithm>

#include "fmt/format.h"
#include "server/services/s3/errors.hpp"
#include "server/services/s3/names.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::size_t kMostKeyCharacters = 128;
constexpr std::size_t kMostValueCharacters = 256;

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

Reply<void> check_one(const std::string& key, const std::string& value) {
  if (key.empty() || characters(key) > kMostKeyCharacters)
    return errors::invalid_tag("The TagKey you have provided is invalid", key);
  if (characters(value) > kMostValueCharacters)
    return errors::invalid_tag("The TagValue you have provided is invalid", key);
  if (key.starts_with("aws:"))
    return errors::invalid_tag("System tags cannot be added/updated by requester", key);
  return {};
}

Reply<storage::Pairs> checked(storage::Pairs tags, std::size_t most) {
  if (tags.size() > most) {
    const auto what = most == kMostObjectTags ? "Object" : "Bucket";
    return errors::invalid_tag(fmt::format("{} tags cannot be greater than {}", what, most));
  }
  for (const auto& [key, value] : tags) TRY(check_one(key, value));
  std::sort(tags.begin(), tags.end());
  const auto twice = std::adjacent_find(tags.begin(), tags.end(),
                                        [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice != tags.end())
    return errors::invalid_tag("Cannot provide multiple Tags with the same key", twice->first);
  return tags;
}

}  // namespace

Reply<storage::Pairs> tags_from(const Document& tagging, std::size_t most) {
  const auto set = tagging.find("TagSet");
  if (set == tagging.end() || !set->is_array()) return errors::malformed_xml();
  storage::Pairs tags;
  for (const auto& tag : *set) {
    const auto key = tag.find("Key");
    const auto value = tag.find("Value");
    if (key == tag.end() || value == tag.end()) return errors::malformed_xml();
    tags.emplace_back(key->get<std::string>(), value->get<std::string>());
  }
  return checked(std::move(tags), most);
}

Reply<storage::Pairs> tags_from_header(std::string_view header) {
  storage::Pairs tags;
  while (!header.empty()) {
    const auto end = std::min(header.find('&'), header.size());
    const auto one = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    if (one.empty()) continue;
    const auto equals = std::min(one.find('='), one.size());
    auto key = url_decoded(one.substr(0, equals), true);
    auto value = url_decoded(one.substr(std::min(equals + 1, one.size())), true);
    if (!key || !value)
      return errors::invalid_argument(
          "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
          "parameters without tag name duplicates.",
          "x-amz-tagging", header);
    tags.emplace_back(std::move(*key), std::move(*value));
  }
  std::sort(tags.begin(), tags.end());  // as they are shown; a header's order says nothing
  return checked(std::move(tags), kMostObjectTags);
}

Document tag_set(const storage::Pairs& tags) {
  auto set = Document::array();
  for (const auto& [key, value] : tags) set.push_back({{"Key", key}, {"Value", value}});
  return set;
}

}  // namespace sagelet::s3
