#pragma once
// Text that may go into JSON.
#include <string>
#include <string_view>

namespace sagelet {

bool is_utf8(std::string_view bytes);
/// bytes.decode("utf-8", "replace"): each ill-formed part becomes one U+FFFD.
std::string valid_utf8(std::string_view bytes);
/// The first `count` code points of well-formed UTF-8.
std::string_view first_code_points(std::string_view text, std::size_t count);

}  // namespace sagelet
