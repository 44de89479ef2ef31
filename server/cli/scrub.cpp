#include <unistd.h>

#include <chrono>
#include <thread>

#include "fmt/format.h"
#include "server/cli/calls.hpp"
#include "server/cli/terminal.hpp"

namespace sagelet::cli {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kFirstLook{20}, kLooks{500};

std::string counted(const json& state) {
  return fmt::format("{} objects, {}", state.value("objects", 0ull), bytes_text(state.value("bytes", 0ull)));
}

/// Where somebody looks on.
void show_progress(const json& state) {
  if (::isatty(STDERR_FILENO) == 0) return;
  fmt::print(stderr, "\r\033[K{} ...", counted(state));
}

void clear_progress() {
  if (::isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\033[K");
}

std::string place_of(const json& finding) {
  if (!finding.contains("key")) return {};
  std::string details;
  const auto add = [&](const char* name) {
    if (finding.contains(name))
      details +=
          fmt::format("{}{} {}", details.empty() ? "" : ", ", name,
                      finding[name].is_string() ? finding[name].get<std::string>() : finding[name].dump());
  };
  for (const char* name : {"version", "upload", "part"}) add(name);
  return fmt::format("s3://{}/{}{}: ", member(finding, "bucket"), member(finding, "key"),
                     details.empty() ? "" : " (" + details + ")");
}

int show_result(const json& state) {
  clear_progress();
  if (member(state, "state") == "failed")
    return report(Error(ErrorKind::kIo, "the scrub ended early: " + member(state, "failure")));
  const auto findings = state.value("findings", json::array());
  for (const auto& finding : findings) fmt::print("{}{}\n", place_of(finding), member(finding, "problem"));
  const auto problems = state.value("problems", 0ull);
  if (problems > findings.size()) fmt::print("... and {} more\n", problems - findings.size());
  if (problems == 0) {
    fmt::print("{}: everything is as it was written.\n", counted(state));
    return kOk;
  }
  fmt::print("{}: {} of them or of their files {} not as written.\n", counted(state), problems,
             problems == 1 ? "is" : "are");
  return kFailed;
}

/// One that runs already is waited for.
Result<json> scrub_of_server(const Target& target) {
  Calls calls(target);
  TRY(const auto started, calls.admin("POST", "scrub"));
  auto state = json::parse(started, nullptr, false);
  for (auto pause = kFirstLook; state.is_object() && member(state, "state") == "running"; pause = kLooks) {
    show_progress(state);
    std::this_thread::sleep_for(pause);
    TRY(state, calls.admin_json("scrub"));
  }
  return state;
}

Result<json> scrub_of_folder(const std::string& data, const OfflineHooks& offline) {
  TRY(const auto text,
      offline.scrub(data, [](std::string_view state) { show_progress(json::parse(state)); }));
  return json::parse(text);
}

}  // namespace

int scrub(const Target& target, const std::string& data, const OfflineHooks& offline) {
  const auto state = data.empty() ? scrub_of_server(target) : scrub_of_folder(data, offline);
  if (!state) return report(state.error());
  return show_result(*state);
}

}  // namespace sagelet::cli
