#include "runner/sandbox/memory_limit.hpp"

#include <cstdlib>
#include <string_view>

#include "base/log.hpp"

namespace sagelet::runner {
namespace {

/// SAGELET_MEMORY=watch: as if this machine had no groups.
bool wants_watch() {
  const char* wanted = std::getenv("SAGELET_MEMORY");
  return wanted && std::string_view(wanted) == "watch";
}

}  // namespace

void MemoryLimit::set(const std::string& name, std::uint64_t bytes, pid_t pid, const fs::path& note) {
  setting_ = std::async(std::launch::async, [this, name, bytes, pid, note, watch = wants_watch()] {
    if (!watch && group_.limit(name, bytes, pid, note)) return;
    log::info("the memory limit of {} bytes is kept by watching: {}", bytes, group_.why());
    watch_.start(pid, bytes);
  });
}

void MemoryLimit::in_force() const {
  if (setting_.valid()) setting_.wait();
}

std::uint64_t MemoryLimit::kills() const {
  in_force();
  return group_.kills() + watch_.kills();
}

}  // namespace sagelet::runner
