#include <cstdlib>

#include "fmt/format.h"
#include "server/cli/calls.hpp"
#include "server/cli/terminal.hpp"

namespace sagelet::cli {

namespace {

std::string shell_note(const std::string& url) {
  const char* pointed = std::getenv("SAGELET_URL");
  if (pointed == nullptr || *pointed == '\0')
    return "This shell's AWS clients do not come here yet: eval \"$(sagelet env)\"";
  if (url == pointed) return {};
  return fmt::format("This shell's AWS clients go to {}, not here: eval \"$(sagelet env --url {})\"", pointed,
                     url);
}

std::string memory_text(const nlohmann::json& told) {
  const auto bytes = told.find("memory");
  if (bytes == told.end() || !bytes->is_number()) return {};
  return fmt::format("{:.1f} GiB", bytes->get<double>() / (1 << 30));
}

/// What jobs get, and the setting that changes it.
std::string job_memory_text(const nlohmann::json& told) {
  const auto limit = told.value("memory_per_job_mb", std::uint64_t{0});
  return (limit == 0 ? std::string("by instance type") : fmt::format("{} MiB", limit)) +
         " (jobs.memory_per_job_mb)";
}

std::string network_text(const nlohmann::json& told) {
  const auto network = told.value("network", std::string());
  return (network.empty() ? "private, unless SAGELET_NETWORK is loopback" : network) + " (jobs.network)";
}

}  // namespace

int doctor(const Target& target) {
  Calls calls(target);
  const auto told = calls.admin_json("doctor");
  if (!told) return report(told.error());
  fmt::print("{}", facts({{"server", target.url},
                          {"sandbox", member(*told, "sandbox")},
                          {"cores", member(*told, "cores")},
                          {"memory", memory_text(*told)},
                          {"a job's memory", job_memory_text(*told)},
                          {"hosts of a job", network_text(*told)}}));
  std::vector<std::string> notes;
  for (const auto& note : told->value("notes", nlohmann::json::array()))
    if (note.is_string()) notes.push_back(note.get<std::string>());
  if (auto note = shell_note(target.url); !note.empty()) notes.push_back(std::move(note));
  for (const auto& note : notes) fmt::print("{} {}\n", painted("-", Colour::kYellow, colours_wanted()), note);
  return kOk;
}

}  // namespace sagelet::cli
