#include "server/http/headers.hpp"

#include <algorithm>

namespace sagelet::http {

namespace {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

void Headers::set(std::string_view name, std::string value) {
  const auto is_it = [&](const Header& field) { return same_name(field.name, name); };
  const auto first = std::find_if(all_.begin(), all_.end(), is_it);
  if (first == all_.end()) return add(std::string(name), std::move(value));
  first->value = std::move(value);
  all_.erase(std::remove_if(first + 1, all_.end(), is_it), all_.end());
}

void Headers::remove(std::string_view name) {
  std::erase_if(all_, [&](const Header& field) { return same_name(field.name, name); });
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const Header& field : all_)
    if (same_name(field.name, name)) return field.value;
  return std::nullopt;
}

std::string Headers::joined(std::string_view name) const {
  std::string all;
  bool first = true;
  for (const Header& field : all_) {
    if (!same_name(field.name, name)) continue;
    if (!first) all += ", ";
    all += field.value;
    first = false;
  }
  return all;
}

}  // namespace sagelet::http
