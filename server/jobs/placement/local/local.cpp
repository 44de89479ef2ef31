#include "server/jobs/placement/local/local.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/jobs/leftovers.hpp"
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

Handle to_handle(const ProcessId& process) {
  return fmt::format("{} {}", process.pid, process.start_time);
}

std::optional<ProcessId> from_handle(const Handle& handle) {
  ProcessId process;
  const char* end = handle.data() + handle.size();
  const auto pid = std::from_chars(handle.data(), end, process.pid);
  if (pid.ec != std::errc() || pid.ptr == end || process.pid <= 0) return std::nullopt;
  const auto time = std::from_chars(pid.ptr + 1, end, process.start_time);
  if (time.ec != std::errc()) return std::nullopt;
  return process;
}

bool readable_now(int fd) {
  pollfd waited{fd, POLLIN, 0};
  return ::poll(&waited, 1, 0) > 0;
}

std::vector<std::string> runner_environment(const JobSpec& spec) {
  std::map<std::string, std::string> values;
  const auto set = [&](std::string_view pair) { values[std::string(pair.substr(0, pair.find('=')))] = pair; };
  for (char** pair = environ; *pair != nullptr; ++pair) {
    const std::string_view text = *pair;
    const auto name = text.substr(0, text.find('='));
    if (std::ranges::find(kHandedOn, name) != kHandedOn.end() || name.starts_with("LC_")) set(text);
  }
  for (const auto& pair : spec.host_environment) set(pair);
  set(std::string(kJobMark) + spec.job_id);
  if (spec.resumed) values.erase("SAGELET_CRASH_AT");  // it has done that
  std::vector<std::string> out;
  for (auto& [name, pair] : values) out.push_back(std::move(pair));
  return out;
}

json parsed(const fs::path& file) {
  const auto text = read_file(file);
  return text ? json::parse(*text, nullptr, false) : json();
}

/// The process a runner's note names; nullopt when there is no (whole) note.
std::optional<ProcessId> noted_runner(const fs::path& folder) {
  const auto note = parsed(folder / "runner.json");
  if (!note.is_object() || !note.contains("pid") || !note["pid"].is_number_integer()) return std::nullopt;
  const auto time = note.find("start_time");
  if (time == note.end() || !time->is_number_integer()) return std::nullopt;
  return ProcessId{note["pid"].get<pid_t>(), time->get<std::uint64_t>()};
}

/// A runner that was started but has not written its note yet: its only argument is the folder.
std::optional<ProcessId> unnoted_runner(const std::string& job_id, const fs::path& folder) {
  const std::string argument = '\0' + folder.native() + '\0';
  for (const auto& process : marked_processes({job_id})) {
    const auto line = read_file("/proc/" + std::to_string(process.pid) + "/cmdline", 1u << 20);
    if (line && line->ends_with(argument)) return process;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> report_number(const fs::path& file) {
  const auto stem = file.stem().native();
  std::uint64_t number = 0;
  const auto read = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  if (file.extension() != ".json" || read.ptr != stem.data() + stem.size() || stem.empty())
    return std::nullopt;
  return number;
}

}  // namespace

LocalPlacement::LocalPlacement(fs::path runner, fs::path folder)
    : runner_(std::move(runner)), folder_(fs::absolute(folder).lexically_normal()) {}

LocalPlacement::~LocalPlacement() {
  for (auto& [handle, child] : children_) child.let_go();
}

Status LocalPlacement::probe() {
  if (::access(runner_.c_str(), X_OK) != 0) return Error::last("the runner " + runner_.native());
  return make_folders(folder_, 0700);
}

Capabilities LocalPlacement::capabilities() const {
  return {.affinity = true, .several_hosts = false, .notes = {}};
}

Result<Handle> LocalPlacement::start(const JobSpec& spec) {
  const auto folder = folder_of(spec.job_id);
  if (const auto running = find(spec.job_id); running && alive(*running))
    return Error(ErrorKind::kAlreadyExists, "job " + spec.job_id + " has a runner already");
  TRY(make_folders(folder, 0700));
  auto placed = spec;
  placed.folder = folder.native();
  TRY(write_file(folder / "spec.json", placed.to_json(), false, 0600));  // it holds the job's keys
  TRY(auto child, start_runner(placed, folder));
  const auto handle = to_handle(child.id());
  children_.insert_or_assign(handle, std::move(child));
  return handle;
}

Result<Child> LocalPlacement::start_runner(const JobSpec& spec, const fs::path& folder) {
  TRY(const auto log, open_file(folder / "runner.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  ChildOptions options;
  options.argv = {runner_.native(), folder.native()};
  options.environment = runner_environment(spec);
  options.working_folder = folder.native();
  options.stdout_fd = log.get();
  options.stderr_fd = log.get();
  options.new_session = true;
  return Child::start(options);
}

std::optional<Handle> LocalPlacement::find(const std::string& job_id) {
  const auto folder = folder_of(job_id);
  std::error_code ignored;
  if (!fs::exists(folder / "spec.json", ignored)) return std::nullopt;
  auto process = noted_runner(folder);
  if (!process || !process->alive())  // the note may be of the one before it
    if (const auto newer = unnoted_runner(job_id, folder)) process = newer;
  return process ? std::optional(to_handle(*process)) : std::nullopt;
}

bool LocalPlacement::alive(const Handle& handle) {
  if (const auto ours = children_.find(handle); ours != children_.end()) {
    if (!ours->second.wait(std::chrono::milliseconds(0))) return true;
    children_.erase(ours);
    return false;
  }
  const auto fd = watch(handle);
  return fd.has_value() && !readable_now(fd->get());  // readable: a zombie that its parent has not reaped
}

Result<UniqueFd> LocalPlacement::watch(const Handle& handle) {
  const auto process = from_handle(handle);
  if (!process) return Error(ErrorKind::kNotFound, "no process is named by " + handle);
  auto fd = open_pidfd(process->pid);
  // Looked at after opening: the descriptor is of the process meant, or of nobody.
  if (!fd || !process->alive()) return Error(ErrorKind::kNotFound, "process " + handle + " is gone");
  return fd;
}

void LocalPlacement::stop(const Handle& handle) {
  if (const auto process = from_handle(handle)) process->signal(SIGTERM);
}

void LocalPlacement::kill(const std::vector<std::string>& job_ids, const std::vector<Handle>& handles) {
  for (const auto& handle : handles)
    if (const auto process = from_handle(handle)) process->signal(SIGKILL);
  for (const auto& handle : handles) children_.erase(handle);  // reaped by the destructor
  for (const auto& id : job_ids)
    if (const auto done = remove_containers(folder_of(id), id); !done)
      log::warn("containers of job {}: {}", id, done.error().message());
  sweep(job_ids);  // and what an engine that is away cannot end
}

std::vector<Report> LocalPlacement::left_reports(const std::string& job_id) {
  std::vector<std::pair<std::uint64_t, fs::path>> files;
  std::error_code failed;
  for (auto entry = fs::directory_iterator(folder_of(job_id) / "reports", failed);
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

std::string LocalPlacement::noted_end(const std::string& job_id) {
  const auto note = parsed(folder_of(job_id) / "exit.json");
  if (!note.is_object()) return {};
  for (const char* name : {"exit_code", "code"})
    if (note.contains(name) && note[name].is_number_integer())
      return fmt::format("exit code {}", note[name].get<int>());
  return {};
}

Status LocalPlacement::readdress(const std::string& job_id, const std::string& server_url) {
  TRY(write_file(folder_of(job_id) / "server_url", server_url + "\n"));  // what a living runner looks at
  const auto file = folder_of(job_id) / "spec.json";
  TRY(const auto text, read_file(file));
  TRY(auto spec, JobSpec::from_json(text));
  if (spec.server_url == server_url) return {};
  spec.server_url = server_url;
  return write_file(file, spec.to_json(), false, 0600);
}

Status LocalPlacement::remove(const std::string& job_id) {
  return remove_tree(folder_of(job_id));
}

std::vector<std::string> LocalPlacement::folders() {
  std::vector<std::string> names;
  std::error_code failed;
  for (auto entry = fs::directory_iterator(folder_, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) names.push_back(entry->path().filename().native());
  }
  return names;
}

}  // namespace sagelet::jobs
