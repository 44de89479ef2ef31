#include "server/jobs/leftovers.hpp"

#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <sstream>
#include <vector>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "client/docker.hpp"
#include "client/docker_orphans.hpp"
#include "client/docker_own_files.hpp"
#include "runner/spec.hpp"

namespace sagelet::jobs {

namespace {

// docs/formats/job-folder.md
constexpr const char* kEngine = "engine";
constexpr const char* kContainer = "container";
constexpr const char* kMemoryGroup = "memory_group";

std::set<fs::path> notes_in(const fs::path& folder, const char* name) {
  std::set<fs::path> notes;
  std::error_code failed, ignored;
  if (fs::exists(folder / name, ignored)) notes.insert(folder / name);
  for (auto entry = fs::directory_iterator(folder, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed))
    if (entry->is_directory(ignored) && fs::exists(entry->path() / name, ignored))
      notes.insert(entry->path() / name);
  return notes;
}

/// Also those that their engine has removed, or says so.
std::vector<std::string> noted_containers(const fs::path& folder) {
  std::vector<std::string> ids;
  for (const auto& note : notes_in(folder, kContainer))
    if (auto id = read_file(note, 4096); id && !id->empty()) ids.push_back(std::move(*id));
  return ids;
}

/// FastFile's, of a runner that was killed together with the process that keeps its mounts. Where we may not,
/// or the engine has a file system of its own, there are none of ours.
void detach_mounts_below(const fs::path& folder) {
  const auto table = read_file("/proc/self/mountinfo");
  std::istringstream lines(table.value_or(std::string()));
  for (std::string line, skip, place; std::getline(lines, line);) {
    std::istringstream words(line);
    words >> skip >> skip >> skip >> skip >>
        place;  // blanks in it are written \040: such a folder is left alone
    if (place.starts_with(folder.native() + "/")) ::umount2(place.c_str(), MNT_DETACH);
  }
}

/// Else we could not remove them. What cannot be done here shows when the folder is removed.
void own_files(const std::set<std::string>& sockets, const fs::path& folder, const std::string& label) {
  const auto text = read_file(folder / "spec.json");
  const auto spec = text ? JobSpec::from_json(*text) : Result<JobSpec>(text.error());
  for (const auto& socket : spec ? sockets : std::set<std::string>())
    if (const auto done = client::own_files(socket, spec->docker_image, label, {folder.native()}); !done)
      log::warn("files below {}: {}", folder.native(), done.error().message());
}

}  // namespace

Status remove_containers(const fs::path& folder, const std::string& job_id) {
  const auto notes = notes_in(folder, kEngine);
  std::set<std::string> sockets;
  for (const auto& note : notes)
    if (auto socket = read_file(note, 4096); socket && !socket->empty()) sockets.insert(std::move(*socket));
  const auto label = "sagelet.job=" + job_id;
  for (const auto& socket : sockets) TRY(client::remove_labelled(socket, label));
  if (!notes.empty()) client::end_orphans(noted_containers(folder));
  if (!notes.empty()) detach_mounts_below(folder);
  own_files(sockets, folder, label);
  std::error_code ignored;
  for (const auto& note : notes) fs::remove(note, ignored);
  return {};
}

Status remove_memory_groups(const fs::path& folder, const std::string& job_id) {
  for (const auto& note : notes_in(folder, kMemoryGroup)) {
    const fs::path group = read_file(note, 4096).value_or(std::string());
    if (!group.filename().native().starts_with("sagelet-" + job_id)) continue;
    if (::rmdir(group.c_str()) != 0 && errno != ENOENT) return Error::last(group.native());
    std::error_code ignored;
    fs::remove(note, ignored);
  }
  return {};
}

}  // namespace sagelet::jobs
