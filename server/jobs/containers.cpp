#include "server/jobs/containers.hpp"

#include <set>

#include "base/fs.hpp"
#include "client/docker.hpp"

namespace sagelet::jobs {

namespace {

constexpr const char* kNote = "engine";  // docs/formats/job-folder.md

/// The notes, each with the engine's socket in it.
std::set<fs::path> notes_in(const fs::path& folder) {
  std::set<fs::path> notes;
  std::error_code failed, ignored;
  if (fs::exists(folder / kNote, ignored)) notes.insert(folder / kNote);
  for (auto entry = fs::directory_iterator(folder, failed); !failed && entry != fs::directory_iterator();
       entry.increment(failed))
    if (entry->is_directory(ignored) && fs::exists(entry->path() / kNote, ignored))
      notes.insert(entry->path() / kNote);
  return notes;
}

}  // namespace

Status remove_containers(const fs::path& folder, const std::string& job_id) {
  const auto notes = notes_in(folder);
  std::set<std::string> sockets;
  for (const auto& note : notes)
    if (auto socket = read_file(note, 4096); socket && !socket->empty()) sockets.insert(std::move(*socket));
  for (const auto& socket : sockets) TRY(client::remove_labelled(socket, "sagelet.job=" + job_id));
  std::error_code ignored;
  for (const auto& note : notes) fs::remove(note, ignored);
  return {};
}

}  // namespace sagelet::jobs
