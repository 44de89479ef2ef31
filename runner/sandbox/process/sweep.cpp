#include "runner/sandbox/process/sweep.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "base/fd.hpp"

namespace sagelet::runner {
namespace {

/// Parent of `pid`, 0 when it is gone. The name in brackets may hold anything, so the last bracket counts.
pid_t parent_of(const char* pid) {
  char path[64], text[1024];
  std::snprintf(path, sizeof path, "/proc/%s/stat", pid);
  const UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  const ssize_t length = fd ? ::read(fd.get(), text, sizeof text - 1) : -1;
  if (length <= 0) return 0;
  text[length] = '\0';
  const char* end = std::strrchr(text, ')');
  int parent = 0;
  return end && std::sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

std::multimap<pid_t, pid_t> children_by_parent() {
  std::multimap<pid_t, pid_t> tree;
  DIR* list = ::opendir("/proc");
  if (!list) return tree;
  while (const dirent* entry = ::readdir(list))
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
      tree.emplace(parent_of(entry->d_name), static_cast<pid_t>(std::atoi(entry->d_name)));
  ::closedir(list);
  return tree;
}

std::vector<pid_t> descendants() {
  const auto tree = children_by_parent();
  std::vector<pid_t> found{::getpid()};
  for (std::size_t i = 0; i < found.size(); ++i)
    for (auto [child, end] = tree.equal_range(found[i]); child != end; ++child)
      found.push_back(child->second);
  found.erase(found.begin());
  return found;
}

}  // namespace

void end_everything(bool pid_namespace) {
  while (::waitpid(-1, nullptr, WNOHANG) >= 0) {
    if (pid_namespace) {
      ::kill(-1, SIGKILL);
    } else {
      const auto processes = descendants();
      for (const pid_t pid : processes) ::kill(pid, SIGSTOP);  // no new children while we look again
      for (const pid_t pid : descendants()) ::kill(pid, SIGKILL);
    }
    // Blocks for one of the killed; the others are gone by the next rounds, and no children at all is the
    // end.
    if (::waitpid(-1, nullptr, 0) < 0) return;
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

}  // namespace sagelet::runner
