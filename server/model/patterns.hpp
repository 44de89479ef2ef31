#pragma once
// The model's regular expressions, each compiled at its first use and kept.
#include <string_view>

#include "server/model/shapes.hpp"

namespace sagelet::model {

/// Does the whole of `text` match the shape's pattern? A pattern that PCRE2 does not understand matches
/// everything; a match that needs too many steps counts as none. Thread-safe.
bool matches_pattern(const Shape& shape, std::string_view text);

/// For the test that all patterns compile: false when this shape's does not.
bool pattern_compiles(const Shape& shape);

}  // namespace sagelet::model
