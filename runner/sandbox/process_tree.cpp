#include "runner/sandbox/process_tree.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>

namespace sagelet::runner {
namespace {

/// Of /proc/<pid>/stat; the name in brackets may hold anything, so the fields are counted behind the last
/// bracket.
bool read_process(const fs::path& folder, TreeProcess& out) {
  const auto text = read_file(folder / "stat", 4096);
  if (!text) return false;
  const auto end = text->rfind(')');
  if (end == std::string::npos) return false;
  std::istringstream fields(text->substr(end + 1));
  std::string state, skipped;
  double times[4] = {};
  long long pages = 0;
  fields >> state >> out.parent;
  for (int i = 5; i <= 13; ++i) fields >> skipped;
  for (double& time : times) fields >> time;
  for (int i = 18; i <= 23; ++i) fields >> skipped;
  fields >> pages;
  if (!fields) return false;
  static const auto tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  out.cpu_seconds = (times[0] + times[1] + times[2] + times[3]) / tick;
  out.memory = static_cast<std::uint64_t>(std::max(0LL, pages)) * page;
  out.dying = state == "Z" || state == "X";
  return true;
}

std::multimap<pid_t, TreeProcess> by_parent(const fs::path& proc) {
  std::multimap<pid_t, TreeProcess> processes;
  std::error_code error;
  for (fs::directory_iterator entry(proc, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0; })) continue;
    TreeProcess process;
    process.pid = std::stoi(name);
    if (read_process(entry->path(), process)) processes.emplace(process.parent, process);
  }
  return processes;
}

}  // namespace

std::optional<TreeProcess> process_alone(pid_t pid, const fs::path& proc) {
  TreeProcess process;
  process.pid = pid;
  if (pid <= 0 || !read_process(proc / std::to_string(pid), process)) return std::nullopt;
  return process;
}

std::vector<TreeProcess> process_tree(pid_t root, const fs::path& proc) {
  const auto first_of_all = process_alone(root, proc);
  if (!first_of_all) return {};
  std::vector<TreeProcess> tree{*first_of_all};
  auto processes = by_parent(proc);
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const auto [first, last] = processes.equal_range(tree[i].pid);
    for (auto child = first; child != last; ++child)
      if (child->second.pid != root) tree.push_back(child->second);
    processes.erase(first, last);  // a pid given anew while we read must not lead round in a ring
  }
  return tree;
}

std::uint64_t shared_fairly(pid_t pid, std::uint64_t otherwise, const fs::path& proc) {
  const auto text = read_file(proc / std::to_string(pid) / "smaps_rollup", 4096);
  if (!text) return otherwise;
  std::istringstream words(*text);
  std::uint64_t kibibytes = 0;
  for (std::string word; words >> word;)
    if (word == "Pss:" && words >> kibibytes) return kibibytes << 10;
  return otherwise;
}

}  // namespace sagelet::runner
