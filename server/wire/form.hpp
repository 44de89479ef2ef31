#pragma once
// application/x-www-form-urlencoded text: the query of a target, the body of a query-protocol request.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sagelet::wire {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Decoded, in order. '+' is a space. Malformed escapes stay as they are.
Fields read_form(std::string_view text);
/// %XX only; '+' stays: a part of a path.
std::string decode_path(std::string_view text);
std::string_view path_of(std::string_view target);
std::string_view query_of(std::string_view target);

}  // namespace sagelet::wire
