#include "fmt/format.h"
#include "server/cli/calls.hpp"
#include "server/cli/terminal.hpp"

namespace sagelet::cli {

int reset(const Target& target) {
  Calls calls(target);
  if (const auto done = calls.admin("POST", "reset"); !done) return report(done.error());
  fmt::print("All jobs are stopped, all records and objects are gone; seeded buckets stay.\n");
  return kOk;
}

}  // namespace sagelet::cli
