#include "server/services/s3/access/wildcards.hpp"

#include <algorithm>

namespace sagelet::s3 {

namespace {

constexpr char16_t kAnyRun = 256, kAnyOne = 257;

char16_t unit(char c) {
  return static_cast<unsigned char>(c);
}

char16_t lower(char16_t c) {
  return c >= u'A' && c <= u'Z' ? static_cast<char16_t>(c + 32) : c;
}

/// The end of the UTF-8 character that begins at `at`.
std::size_t next_character(std::string_view text, std::size_t at) {
  do ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

/// What stands between `${` and `}`.
std::optional<std::string> value_of(std::string_view inside, const ConditionValues& values) {
  if (inside == "*" || inside == "?" || inside == "$") return std::string(inside);
  const auto comma = inside.find(',');
  const auto found = values(condition_key(trimmed(inside.substr(0, comma))));
  if (found.size() == 1) return found.front();
  if (comma == inside.npos || !found.empty()) return std::nullopt;
  const auto otherwise = trimmed(inside.substr(comma + 1));
  if (otherwise.size() < 2 || otherwise.front() != '\'' || otherwise.back() != '\'') return std::nullopt;
  return std::string(otherwise.substr(1, otherwise.size() - 2));
}

void append_literal(std::u16string& units, std::string_view text) {
  for (const char c : text) units.push_back(unit(c));
}

void append_wild(std::u16string& units, char c) {
  units.push_back(c == '*' ? kAnyRun : c == '?' ? kAnyOne : unit(c));
}

}  // namespace

Wildcards Wildcards::literal(std::string_view text) {
  Wildcards made;
  append_literal(made.units_, text);
  return made;
}

Wildcards Wildcards::of(std::string_view text) {
  Wildcards made;
  for (const char c : text) append_wild(made.units_, c);
  return made;
}

std::optional<Wildcards> Wildcards::with_variables(std::string_view text, const ConditionValues& values,
                                                   Stars stars) {
  Wildcards made;
  while (!text.empty()) {
    const auto end = text.starts_with("${") ? text.find('}') : text.npos;
    if (end == text.npos) {
      const char c = text.front();
      stars == Stars::kWild ? append_wild(made.units_, c) : made.units_.push_back(unit(c));
      text.remove_prefix(1);
      continue;
    }
    const auto value = value_of(text.substr(2, end - 2), values);
    if (!value) return std::nullopt;
    append_literal(made.units_, *value);
    text.remove_prefix(end + 1);
  }
  return made;
}

bool Wildcards::matches(std::string_view text, Case letters) const {
  const auto same = [letters](char16_t wanted, char16_t given) {
    return letters == Case::kExact ? wanted == given : lower(wanted) == lower(given);
  };
  std::size_t at = 0, here = 0;
  std::size_t star = std::string::npos, star_at = 0;  // where to go on when what came after the last * fails
  while (at < text.size()) {
    if (here < units_.size() && units_[here] == kAnyRun) {
      star = here++;
      star_at = at;
    } else if (here < units_.size() && units_[here] == kAnyOne) {
      ++here;
      at = next_character(text, at);
    } else if (here < units_.size() && same(units_[here], unit(text[at]))) {
      ++here;
      ++at;
    } else if (star != std::string::npos) {
      here = star + 1;
      at = ++star_at;
    } else {
      return false;
    }
  }
  return std::all_of(units_.begin() + static_cast<std::ptrdiff_t>(here), units_.end(),
                     [](char16_t c) { return c == kAnyRun; });
}

bool Wildcards::may_begin_with(std::string_view text) const {
  // which units may be next after the characters so far
  std::vector<char> next(units_.size() + 1);
  const auto reach = [this](std::vector<char>& places, std::size_t place) {
    places[place] = 1;
    for (; place < units_.size() && units_[place] == kAnyRun; ++place) places[place + 1] = 1;
  };
  reach(next, 0);
  for (const char c : text) {
    std::vector<char> after(next.size());
    for (std::size_t place = 0; place < units_.size(); ++place) {
      if (!next[place]) continue;
      if (units_[place] == kAnyRun) reach(after, place);
      if (units_[place] == kAnyOne || units_[place] == unit(c)) reach(after, place + 1);
    }
    next = std::move(after);
  }
  return std::find(next.begin(), next.end(), 1) != next.end();
}

Wildcards Wildcards::part(std::size_t begin, std::size_t size) const {
  Wildcards made;
  made.units_ = units_.substr(std::min(begin, units_.size()), size);
  return made;
}

std::size_t Wildcards::find(char wanted, std::size_t begin) const {
  return units_.find(unit(wanted), begin);
}

bool Wildcards::has_wildcard() const {
  return std::any_of(units_.begin(), units_.end(), [](char16_t c) { return c == kAnyRun || c == kAnyOne; });
}

bool has_variable(std::string_view text) {
  const auto begin = text.find("${");
  return begin != text.npos && text.find('}', begin) != text.npos;
}

std::string condition_key(std::string_view name) {
  std::string key(name);
  for (std::size_t i = 0; i < key.size() && key[i] != '/'; ++i)
    key[i] = static_cast<char>(lower(unit(key[i])));
  return key;
}

}  // namespace sagelet::s3
