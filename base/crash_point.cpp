#include "base/crash_point.hpp"

#ifdef SAGELET_CRASH_POINTS
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <string>

namespace sagelet {

namespace {

struct Plan {
  bool set = false;
  std::string name;
  std::atomic<long> left{0};
};

Plan& plan() {
  static Plan the_plan;
  static const bool read = [] {
    const char* text = ::getenv("SAGELET_CRASH_AT");
    if (!text || !*text) return false;
    const std::string_view all(text);
    const auto colon = all.rfind(':');
    the_plan.name = std::string(all.substr(0, colon));
    the_plan.left = colon == std::string_view::npos ? 1 : ::atol(text + colon + 1);
    the_plan.set = true;
    return true;
  }();
  (void)read;
  return the_plan;
}

}  // namespace

void crash_point(std::string_view name) {
  Plan& the_plan = plan();
  if (!the_plan.set || the_plan.name != name) return;
  if (the_plan.left.fetch_sub(1) == 1) ::kill(::getpid(), SIGKILL);
}

}  // namespace sagelet
#endif
