#include "server/config_yaml.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <set>

#include "fmt/format.h"
#include "fmt/ranges.h"

namespace sagelet::config_yaml {

namespace {

constexpr std::size_t kNear = 3;  // edits

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::vector<std::string_view> names_of(const std::vector<Field>& fields) {
  std::vector<std::string_view> names;
  for (const auto& field : fields) names.push_back(field.name);
  return names;
}

Error unknown_key(const Place& place, const YAML::Node& key, const std::vector<Field>& fields) {
  const auto names = names_of(fields);
  const auto near = nearest(key.Scalar(), names);
  if (!near.empty())
    return expected(place.in(key.Scalar()), key, fmt::format("there is no such key; did you mean {}?", near));
  return expected(place.in(key.Scalar()), key,
                  fmt::format("there is no such key; known are {}", fmt::join(names, ", ")));
}

Status read_entry(const Place& place, const YAML::Node& key, const YAML::Node& value,
                  const std::vector<Field>& fields, std::set<std::string>& seen) {
  if (!key.IsScalar()) return expected(place, key, "expected a word as key");
  const auto field = std::ranges::find(fields, key.Scalar(), &Field::name);
  if (field == fields.end()) return unknown_key(place, key, fields);
  const auto inner = place.in(field->name);
  if (!seen.insert(key.Scalar()).second) return expected(inner, key, "the key is there twice");
  return field->read(inner, value);
}

}  // namespace

Place Place::in(std::string_view name) const {
  return {file, key.empty() ? std::string(name) : fmt::format("{}.{}", key, name)};
}

Error expected(const Place& place, const YAML::Node& node, std::string_view what) {
  const auto mark = node.Mark();
  const int line = mark.is_null() ? 1 : mark.line + 1;
  const auto key = place.key.empty() ? std::string() : place.key + ": ";
  return Error(ErrorKind::kInvalid, fmt::format("{}:{}: {}{}", place.file.native(), line, key, what));
}

Status read_map(const Place& place, const YAML::Node& node, const std::vector<Field>& fields) {
  if (node.IsNull()) return {};  // a key with everything under it commented out
  if (!node.IsMap())
    return expected(place, node,
                    fmt::format("expected keys and values: {}", fmt::join(names_of(fields), ", ")));
  std::set<std::string> seen;
  for (const auto& entry : node) TRY(read_entry(place, entry.first, entry.second, fields, seen));
  return {};
}

Status read_list(const Place& place, const YAML::Node& node, std::string_view what, const Reader& each) {
  if (node.IsNull()) return {};
  if (!node.IsSequence()) return expected(place, node, fmt::format("expected a list of {}", what));
  for (const auto& item : node) TRY(each(place, item));
  return {};
}

Reader text(std::string& out) {
  return [&out](const Place& place, const YAML::Node& node) -> Status {
    if (!node.IsScalar() || node.Scalar().empty()) return expected(place, node, "expected a text");
    out = node.Scalar();
    return {};
  };
}

Reader flag(bool& out) {
  return [&out](const Place& place, const YAML::Node& node) -> Status {
    if (!node.IsScalar() || !YAML::convert<bool>::decode(node, out))
      return expected(place, node, "expected true or false");
    return {};
  };
}

Reader number(double& out, double least) {
  return [&out, least](const Place& place, const YAML::Node& node) -> Status {
    double value = 0;
    if (!node.IsScalar() || !YAML::convert<double>::decode(node, value) || !std::isfinite(value) ||
        value < least)
      return expected(place, node, fmt::format("expected a number, {:g} or more", least));
    out = value;
    return {};
  };
}

Reader integer(std::int64_t& out, std::int64_t least, std::int64_t most) {
  return [&out, least, most](const Place& place, const YAML::Node& node) -> Status {
    std::int64_t value = 0;
    const auto digits = node.IsScalar() ? node.Scalar() : std::string();
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || read.ec != std::errc() || read.ptr != digits.data() + digits.size() ||
        value < least || value > most)
      return expected(place, node, fmt::format("expected a whole number from {} to {}", least, most));
    out = value;
    return {};
  };
}

Reader word(std::vector<std::string_view> words, std::function<void(std::size_t)> use) {
  return
      [words = std::move(words), use = std::move(use)](const Place& place, const YAML::Node& node) -> Status {
        const auto found = node.IsScalar() ? std::ranges::find(words, node.Scalar()) : words.end();
        if (found == words.end())
          return expected(place, node, fmt::format("expected {}", fmt::join(words, " or ")));
        use(static_cast<std::size_t>(found - words.begin()));
        return {};
      };
}

Reader texts(std::vector<std::string>& out) {
  return [&out](const Place& place, const YAML::Node& node) {
    return read_list(place, node, "texts", [&out](const Place& at, const YAML::Node& item) -> Status {
      std::string value;
      TRY(text(value)(at, item));
      out.push_back(std::move(value));
      return {};
    });
  };
}

std::filesystem::path resolved(const Place& place, const std::string& path) {
  const char* home = std::getenv("HOME");
  if (path.starts_with("~/") && home != nullptr) return std::filesystem::path(home) / path.substr(2);
  return std::filesystem::absolute(place.file.parent_path() / path).lexically_normal();
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t least = kNear + 1;
  for (const auto name : known) {
    const bool inside = word.size() > 3 && (name.starts_with(word) || word.starts_with(name));
    const auto edits = inside ? 1 : distance(word, name);
    if (edits < least && edits * 2 <= std::max(word.size(), name.size())) {
      best = name;
      least = edits;
    }
  }
  return best;
}

}  // namespace sagelet::config_yaml
