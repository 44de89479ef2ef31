#include "server/jobs/placement/local/local.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/jobs/leftovers.hpp"
#include "server/jobs/sweep.hpp"

namespace sagelet::jobs {

namespace {

using nlohmann::json;

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

/// A runner that was started but has not written its note yet: its only argument is the folder. The hosts
/// that one forks look the same, and are dying when it is dead; but the session is the runner's.
std::optional<ProcessId> unnoted_runner(const std::string& job_id, const fs::path& folder) {
  const std::string argument = '\0' + folder.native() + '\0';
  for (const auto& process : marked_processes({job_id})) {
    if (::getsid(process.pid) != process.pid) continue;
    const auto line = read_file("/proc/" + std::to_string(process.pid) + "/cmdline", 1u << 20);
    if (line && line->ends_with(argument)) return process;
  }
  return std::nullopt;
}

}  // namespace

LocalPlacement::LocalPlacement(fs::path runner, fs::path folder)
    : runner_(std::move(runner)), folders_(folder) {}

LocalPlacement::~LocalPlacement() {
  for (auto& [handle, child] : children_) child.let_go();
}

Status LocalPlacement::probe() {
  if (::access(runner_.c_str(), X_OK) != 0) return Error::last("the runner " + runner_.native());
  return folders_.make();
}

Capabilities LocalPlacement::capabilities() const {
  return {.affinity = true};
}

Result<Handle> LocalPlacement::start(const JobSpec& spec) {
  const auto folder = folder_of(spec.job_id);
  if (const auto running = find(spec.job_id); running && alive(*running))
    return Error(ErrorKind::kAlreadyExists, "job " + spec.job_id + " has a runner already");
  auto placed = spec;
  placed.folder = folder.native();
  TRY(folders_.write_spec(placed));
  TRY(auto child, start_runner(placed, folder));
  const auto handle = to_handle(child.id());
  children_.insert_or_assign(handle, std::move(child));
  return handle;
}

Result<Child> LocalPlacement::start_runner(const JobSpec& spec, const fs::path& folder) {
  TRY(const auto log, open_file(folder / "runner.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  ChildOptions options;
  options.argv = {runner_.native(), folder.native()};
  options.environment = runner_environment(spec, spec.host_environment);
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

}  // namespace sagelet::jobs
