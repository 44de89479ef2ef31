#pragma once
// From S3 keys to file names below a channel's folder.
#include <string>
#include <string_view>

namespace sagelet::runner {

/// The key less the prefix's folder part: below "data/train/" and below "data/train" it is "x/a.csv" for
/// "data/train/x/a.csv"; the object that the prefix names itself keeps its base name; where the prefix ends
/// in the middle of a name, that name stays whole. Never leads out of the folder: "." and ".." become %2E and
/// %2E%2E, empty parts go. Empty when nothing is left (the key is a folder's placeholder).
std::string local_name(std::string_view prefix, std::string_view key);

/// Zero bytes and a name that ends in "/": what consoles make to show a folder.
inline bool is_placeholder(std::string_view key, unsigned long long size) {
  return size == 0 && key.ends_with('/');
}

}  // namespace sagelet::runner
