#pragma once
// A request, or a small answer, as data: nlohmann json, where the shape says that
//   a blob is a json binary value,
//   a timestamp is a number: epoch seconds with milliseconds as decimals,
//   a long is an integer, a float or double a number (NaN and infinities included).
// Structures hold only members that are present. Not for hot answers: parsing and printing 3 KB costs 60 us.
#include "nlohmann/json_fwd.hpp"

namespace sagelet {
using Document = nlohmann::json;
}
