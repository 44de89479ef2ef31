#pragma once
// A source archive into the code folder, with no way out of it.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sagelet::script_mode {

struct UnpackLimits {
  std::uint64_t bytes = 20ull << 30;
  std::uint64_t entries = 1'000'000;
  bool links_anywhere = false;  ///< links are kept wherever they lead; nothing is written through them
};

/// Unpacks a gzipped tar. As the toolkit does it: absolute names and ".." lose what is unsafe about them,
/// special files and links that lead out are left away; each such entry is told to `warn`. kInvalid: no such
/// archive; kNoSpace: over a limit (or the disk is full).
Status unpack(const std::string& archive, const std::string& folder,
              const std::function<void(std::string)>& warn, const UnpackLimits& limits = {});
/// The same from memory.
Status unpack_bytes(std::string_view bytes, const std::string& folder,
                    const std::function<void(std::string)>& warn, const UnpackLimits& limits = {});

/// "/a/../b//./c" is "a/b/c".
std::string confined_name(std::string_view name);

}  // namespace sagelet::script_mode
