#pragma once
// A string that is one thing and nothing else: a bucket name and an object key cannot be swapped by mistake.
#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace sagelet {

template <class Tag>
class Strong {
 public:
  Strong() = default;
  explicit Strong(std::string value) : value_(std::move(value)) {}
  const std::string& str() const { return value_; }
  std::string_view view() const { return value_; }
  bool empty() const { return value_.empty(); }
  auto operator<=>(const Strong&) const = default;
  bool operator==(const Strong&) const = default;

 private:
  std::string value_;
};

using AccountId = Strong<struct AccountIdTag>;  ///< 12 digits
using Region = Strong<struct RegionTag>;        ///< us-east-1
using BucketName = Strong<struct BucketNameTag>;
using ObjectKey = Strong<struct ObjectKeyTag>;  ///< any bytes, never a path

}  // namespace sagelet

template <class Tag>
struct std::hash<sagelet::Strong<Tag>> {
  std::size_t operator()(const sagelet::Strong<Tag>& value) const noexcept {
    return std::hash<std::string>()(value.str());
  }
};
