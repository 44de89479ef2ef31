#pragma once
#include <string_view>

namespace sagelet {

/// Digits of either case; none are fine.
bool is_hex(std::string_view text);

}  // namespace sagelet
