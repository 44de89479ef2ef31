#include "server/jobs/machine.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/fs.hpp"
#include "nlohmann/json.hpp"
#include "server/jobs/program_output.hpp"

namespace sagelet::jobs {

namespace {

using nlohmann::json;

constexpr auto kLimitFiles = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};

}  // namespace

std::uint64_t machine_memory() {
  auto memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const char* file : kLimitFiles) {
    const auto text = read_file(file, 4096);
    std::uint64_t limit = 0;
    if (text && std::from_chars(text->data(), text->data() + text->size(), limit).ec == std::errc())
      memory = std::min(memory, limit);
  }
  return memory;
}

SandboxProbe probe_sandbox(const fs::path& runner) {
  const auto said = output_of({runner.native(), "--probe"});
  const auto answer = said ? json::parse(*said, nullptr, false) : json();
  if (!answer.is_object())
    return {"unknown", {"The runner does not answer: " + runner.native() + " --probe"}};
  SandboxProbe probe;
  if (answer.contains("sandbox") && answer["sandbox"].is_string()) probe.kind = answer["sandbox"];
  for (const auto& note : answer.value("notes", json::array()))
    if (note.is_string()) probe.notes.push_back(note);
  return probe;
}

}  // namespace sagelet::jobs
