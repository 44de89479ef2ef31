#pragma once
// How a shell's environment is turned towards a server, and back. Pure: old environment and facts in, changes
// out.
//
// What a variable was before, and what we made of it, is kept in SAGELET_ENV_BEFORE. Everything is computed
// from the environment as it was, so turning twice, or towards another server, is the same as turning once.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sagelet::cli {

using Environment = std::map<std::string, std::string>;
/// A new value, or nothing: the variable goes.
using Changes = std::map<std::string, std::optional<std::string>>;

struct Facts {
  std::string url;  ///< http://127.0.0.1:4577
  std::string region;
  std::string authority;  ///< file with our own certificate
  std::string bundle;     ///< file with the authorities of before and ours
};

Environment environment_of_process();

/// As it was before any `sagelet env`. A variable that was changed since then keeps its newer value.
Environment before(const Environment& now);
/// From `now` to an environment that points at the server.
Changes point_at(const Environment& now, const Facts& facts);
/// From `now` back to before(now).
Changes undo(const Environment& now);
Environment applied(Environment environment, const Changes& changes);

/// POSIX sh: `export NAME='value'` and `unset NAME`, a line each. Names no shell can have are left out.
std::string to_shell(const Changes& changes);
std::string shell_quoted(std::string_view value);

/// The proxy that was in force for https; empty: none, or only ours (`our_url`).
std::string upstream_proxy(const Environment& base, std::string_view our_url);
/// The old list less every entry that covers an AWS name, plus loopback.
std::string no_proxy(const Environment& base);

}  // namespace sagelet::cli
