#pragma once
// Header fields in the order they came. Names compare without regard to case; values are kept byte for byte.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sagelet::http {

bool same_name(std::string_view a, std::string_view b);  ///< ASCII, case-insensitive

struct Header {
  std::string name;
  std::string value;
};

class Headers {
 public:
  void add(std::string name, std::string value) { all_.push_back({std::move(name), std::move(value)}); }
  void set(std::string_view name, std::string value);  ///< replaces every field of that name
  void remove(std::string_view name);
  /// The first value of that name.
  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view get(std::string_view name) const { return find(name).value_or(std::string_view()); }
  bool has(std::string_view name) const { return find(name).has_value(); }
  /// All values of that name joined by ", " (RFC 9110 5.3).
  std::string joined(std::string_view name) const;

  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }
  std::size_t size() const { return all_.size(); }
  void reserve(std::size_t n) { all_.reserve(n); }

 private:
  std::vector<Header> all_;
};

}  // namespace sagelet::http
