#include "server/jobs/placement/job_folders.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <map>
#include <optional>

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/jobs/sweep.hpp"

extern char** environ;

namespace sagelet::jobs {

namespace {

using nlohmann::json;

/// What of the server's environment a runner gets; the job's own is made from the spec.
constexpr std::array<std::string_view, 19> kHandedOn = {"PATH",
                                                        "HOME",
                                                        "USER",
                                                        "LOGNAME",
                                                        "SHELL",
                                                        "LANG",
                                                        "LANGUAGE",
                                                        "TZ",
                                                        "TMPDIR",
                                                        "LD_LIBRARY_PATH",
                                                        "CUDA_VISIBLE_DEVICES",
                                                        "NVIDIA_VISIBLE_DEVICES",
                                                        "SAGELET_CRASH_AT",
                                                        "SAGELET_SANDBOX",
                                                        "SAGELET_NETWORK",
                                                        "ASAN_OPTIONS",
                                                        "LSAN_OPTIONS",
                                                        "TSAN_OPTIONS",
                                                        "UBSAN_OPTIONS"};

std::optional<std::uint64_t> report_number(const fs::path& file) {
  const auto stem = file.stem().native();
  std::uint64_t number = 0;
  const auto read = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  if (file.extension() != ".json" || read.ptr != stem.data() + stem.size() || stem.empty())
    return std::nullopt;
  return number;
}

}  // namespace

Status JobFolders::write_spec(const JobSpec& spec) const {
  TRY(make_folders(of(spec.job_id), 0700));
  return write_file(of(spec.job_id) / "spec.json", spec.to_json(), false, 0600);
}

Result<JobSpec> JobFolders::read_spec(const std::string& job_id) const {
  TRY(const auto text, read_file(of(job_id) / "spec.json"));
  return JobSpec::from_json(text);
}

std::vector<Report> JobFolders::left_reports(const std::string& job_id) const {
  std::vector<std::pair<std::uint64_t, fs::path>> files;
  std::error_code failed;
  for (auto entry = fs::directory_iterator(of(job_id) / "reports", failed);
       !failed && entry != fs::directory_iterator(); entry.increment(failed))
    if (const auto number = report_number(entry->path())) files.emplace_back(*number, entry->path());
  std::ranges::sort(files);
  std::vector<Report> reports;
  for (const auto& [number, file] : files) {
    const auto text = read_file(file);
    if (!text) continue;
    if (auto report = Report::from_json(*text); report && report->job_id == job_id)
      reports.push_back(std::move(*report));
  }
  return reports;
}

std::string JobFolders::noted_end(const std::string& job_id) const {
  const auto text = read_file(of(job_id) / "exit.json");
  const auto note = text ? json::parse(*text, nullptr, false) : json();
  if (!note.is_object()) return {};
  for (const char* name : {"exit_code", "code"})
    if (note.contains(name) && note[name].is_number_integer())
      return fmt::format("exit code {}", note[name].get<int>());
  return {};
}

Status JobFolders::readdress(const std::string& job_id, const std::string& server_url) const {
  TRY(write_file(of(job_id) / "server_url", server_url + "\n"));  // what a living runner looks at
  TRY(auto spec, read_spec(job_id));
  if (spec.server_url == server_url) return {};
  spec.server_url = server_url;
  return write_spec(spec);
}

std::vector<std::string> JobFolders::names() const {
  std::vector<std::string> names;
  std::error_code failed;
  for (auto entry = fs::directory_iterator(folder_, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    std::error_code ignored;
    const bool hidden = entry->path().filename().native().starts_with('.');
    if (!hidden && entry->is_directory(ignored)) names.push_back(entry->path().filename().native());
  }
  return names;
}

std::vector<std::string> runner_environment(const JobSpec& spec, const std::vector<std::string>& more) {
  std::map<std::string, std::string> values;
  const auto set = [&](std::string_view pair) { values[std::string(pair.substr(0, pair.find('=')))] = pair; };
  for (char** pair = environ; *pair != nullptr; ++pair) {
    const std::string_view text = *pair;
    const auto name = text.substr(0, text.find('='));
    if (std::ranges::find(kHandedOn, name) != kHandedOn.end() || name.starts_with("LC_")) set(text);
  }
  for (const auto& pair : more) set(pair);
  set(std::string(kJobMark) + spec.job_id);
  if (spec.resumed) values.erase("SAGELET_CRASH_AT");  // it has done that
  std::vector<std::string> out;
  for (auto& [name, pair] : values) out.push_back(std::move(pair));
  return out;
}

}  // namespace sagelet::jobs
