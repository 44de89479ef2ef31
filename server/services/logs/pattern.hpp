#pragma once
// Filter patterns of terms: words that must all appear, "a phrase", -without, ?any ?of ?these. Case counts.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sagelet::logs {

class Pattern {
 public:
  /// JSON ({...}), column ([...]) and regular expression (%...%) patterns are kInvalid.
  static Result<Pattern> parse(std::string_view text);
  bool matches(std::string_view message) const;

 private:
  std::vector<std::string> all_, none_, any_;
};

}  // namespace sagelet::logs
