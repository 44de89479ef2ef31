#pragma once
// The few things we do to a request target. Nothing here folds dots or slashes or turns '+' into a space.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sagelet::http {

/// One name=value of a query, both as sent (percent-encoded). `has_value` tells `?acl=` from `?acl`.
struct QueryItem {
  std::string_view name;
  std::string_view value;
  bool has_value = false;
};

/// for (const QueryItem& item : QueryItems(head.query())) ... Empty pieces ("a&&b") are left out.
class QueryItems {
 public:
  explicit QueryItems(std::string_view query) : query_(query) {}

  class Iterator {
   public:
    Iterator(std::string_view rest, bool end) : rest_(rest), end_(end) {
      if (!end_) advance();
    }
    const QueryItem& operator*() const { return item_; }
    Iterator& operator++() {
      advance();
      return *this;
    }
    bool operator!=(const Iterator& other) const { return end_ != other.end_; }

   private:
    void advance();
    std::string_view rest_;
    QueryItem item_;
    bool end_ = false;
  };
  Iterator begin() const { return Iterator(query_, false); }
  Iterator end() const { return Iterator({}, true); }

 private:
  std::string_view query_;
};

/// %XX decoded, '+' kept, malformed escapes left as they are.
std::string decode(std::string_view text);
/// The decoded value of the first parameter of that (decoded) name; "" for one without a value.
std::optional<std::string> query_value(std::string_view query, std::string_view name);
bool has_query(std::string_view query, std::string_view name);

/// "host:port", "[::1]:80", "host". The host comes without brackets.
struct Authority {
  std::string_view host;
  std::optional<std::uint16_t> port;
};
/// nullopt when it is empty, the port is not a number of 1 to 65535, or a bracket does not close.
std::optional<Authority> split_authority(std::string_view text);

/// An absolute-form target: "http://host:port/path?query".
struct AbsoluteTarget {
  std::string_view scheme;
  std::string_view authority;  ///< as sent, without user information
  std::string_view origin;     ///< path and query; empty when the path is
};
std::optional<AbsoluteTarget> split_absolute(std::string_view target);

}  // namespace sagelet::http
