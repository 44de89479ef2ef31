#include "fmt/format.h"
#include "server/cli/authorities.hpp"
#include "server/cli/calls.hpp"
#include "server/cli/pointing.hpp"
#include "server/cli/terminal.hpp"

namespace sagelet::cli {

Result<Facts> facts_of(const Target& target, const Environment& base) {
  Calls calls(target);
  TRY(const auto status, calls.admin_json("status"));
  TRY(const auto ours, calls.admin("GET", "authority"));
  TRY(const auto files, write_authorities(base, member(status, "data"), ours));
  return Facts{target.url, member(status, "region"), files.authority, files.bundle};
}

int env(const EnvOptions& options) {
  const auto now = environment_of_process();
  if (options.unset) {
    fmt::print("{}", to_shell(undo(now)));
    return kOk;
  }
  const auto facts = facts_of(options.target, before(now));
  if (!facts) return report(facts.error());
  fmt::print("{}", to_shell(point_at(now, *facts)));
  return kOk;
}

}  // namespace sagelet::cli
