#include "runner/sandbox/memory_group.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <sstream>

namespace sagelet::runner {
namespace {

bool put(const fs::path& file, const std::string& text) {
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string text_of(const fs::path& file) {
  auto text = read_file(file);
  return text ? std::move(*text) : std::string();
}

/// Mount points of cgroup file systems, from mountinfo: "... - cgroup cgroup rw,memory".
struct Mounts {
  fs::path v1_memory, v2;
};

Mounts mounts_in(const std::string& mountinfo) {
  Mounts mounts;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    const auto dash = line.find(" - ");
    if (dash == line.npos) continue;
    std::istringstream before(line.substr(0, dash)), after(line.substr(dash + 3));
    std::string skip, point, type, source, options;
    before >> skip >> skip >> skip >> skip >> point;
    after >> type >> source >> options;
    if (type == "cgroup2" && mounts.v2.empty()) mounts.v2 = point;
    if (type == "cgroup" && ("," + options + ",").find(",memory,") != std::string::npos)
      mounts.v1_memory = point;
  }
  return mounts;
}

/// The path after the second colon of the line that `marks` it: "4:memory:/a" or "0::/a".
std::string path_in(const std::string& cgroups, bool v2) {
  std::istringstream lines(cgroups);
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (v2 ? line.starts_with("0::") : controllers.find(",memory,") != std::string::npos)
      return line.substr(second + 1);
  }
  return "/";
}

/// A group that holds processes, as our own does, may have no limited groups below it (version 2's rule). The
/// groups above it have none, and one that is ours to write in takes the job's group beside our own.
std::optional<fs::path> nearest_that_shares_memory(const fs::path& own, const fs::path& top) {
  for (fs::path folder = own;; folder = folder.parent_path()) {
    const bool shares = text_of(folder / "cgroup.subtree_control").find("memory") != std::string::npos;
    const bool ours =
        ::access(folder.c_str(), W_OK) == 0 && ::access((folder / "cgroup.procs").c_str(), W_OK) == 0;
    if (shares && ours) return folder;
    if (folder == top || !folder.has_relative_path()) return std::nullopt;
  }
}

/// Groups of runners that were killed. Young ones are left: their runner may be about to enter.
void remove_left_over(const fs::path& parent) {
  std::error_code error;
  for (fs::directory_iterator group(parent, error), end; !error && group != end; group.increment(error)) {
    struct stat about;
    if (!group->path().filename().string().starts_with("sagelet-")) continue;
    if (::stat(group->path().c_str(), &about) == 0 && ::time(nullptr) - about.st_mtime > 60)
      ::rmdir(group->path().c_str());  // refused while somebody is in it
  }
}

}  // namespace

std::optional<MemoryGroup::Parent> MemoryGroup::parent(const fs::path& proc) {
  const Mounts mounts = mounts_in(text_of(proc / "self/mountinfo"));
  const std::string cgroups = text_of(proc / "self/cgroup");
  if (!mounts.v1_memory.empty()) {
    fs::path own = mounts.v1_memory / fs::path(path_in(cgroups, false)).relative_path();
    std::error_code none;
    return Parent{Kind::kV1, fs::exists(own, none) ? own : mounts.v1_memory};
  }
  if (mounts.v2.empty()) return std::nullopt;
  const fs::path own = (mounts.v2 / fs::path(path_in(cgroups, true)).relative_path()).lexically_normal();
  if (const auto above = nearest_that_shares_memory(own, mounts.v2)) return Parent{Kind::kV2, *above};
  if (text_of(own / "cgroup.controllers").find("memory") == std::string::npos) return std::nullopt;
  return Parent{Kind::kV2, own};
}

bool MemoryGroup::limit(const std::string& name, std::uint64_t bytes, pid_t pid, const fs::path& note) {
  const auto found = parent();
  if (!found) {
    why_ = "this machine has no memory control group we can use";
    return false;
  }
  if (const Status noted = write_file(note, (found->folder / name).native()); !noted) {
    why_ = noted.error().message();
    return false;
  }
  return limit_in(*found, name, bytes, pid);
}

bool MemoryGroup::limit_in(const Parent& parent, const std::string& name, std::uint64_t bytes, pid_t pid) {
  const fs::path folder = parent.folder / name;
  remove_left_over(parent.folder);
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    why_ = Error::last(folder.string()).message();
    return false;
  }
  folder_ = folder;
  kind_ = parent.kind;
  if (kind_ == Kind::kV2) put(parent.folder / "cgroup.subtree_control", "+memory");
  const char* file = kind_ == Kind::kV2 ? "memory.max" : "memory.limit_in_bytes";
  const char* swap = kind_ == Kind::kV2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes";
  if (put(folder / file, std::to_string(bytes)) && put(folder / "cgroup.procs", std::to_string(pid))) {
    why_.clear();
    // Without it a machine that swaps only gets slow; a kernel without swap accounting has no such file.
    put(folder / swap, kind_ == Kind::kV2 ? "0" : std::to_string(bytes));
    return true;
  }
  why_ = Error::last((folder / file).string()).message();
  kind_ = Kind::kNone;
  return false;
}

std::uint64_t MemoryGroup::kills() const {
  if (kind_ == Kind::kNone) return 0;
  std::istringstream words(text_of(folder_ / (kind_ == Kind::kV2 ? "memory.events" : "memory.oom_control")));
  for (std::string word; words >> word;)
    if (word == "oom_kill" && words >> word) return std::strtoull(word.c_str(), nullptr, 10);
  return 0;
}

MemoryGroup::~MemoryGroup() {
  if (!folder_.empty()) ::rmdir(folder_.c_str());
}

}  // namespace sagelet::runner
