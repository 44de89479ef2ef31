#include "runner/sandbox/process/kept_paths.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "base/fs.hpp"

namespace sagelet::runner {
namespace {

constexpr std::array<std::string_view, 3> kPlaces{"/tmp/", "/var/tmp/", "/dev/shm/"};
constexpr std::array<std::string_view, 3> kTold{"PIP_", "UV_", "CONDA_"};
constexpr std::array<std::string_view, 3> kSearched{"PATH=", "LD_LIBRARY_PATH=", "PYTHONPATH="};

class Kept {
 public:
  void add(const fs::path& path) {
    std::error_code error;
    take(path.lexically_normal());
    take(fs::weakly_canonical(path, error));  // a link may lead there
  }

  /// A program, and the tree that it is of: <prefix>/bin/program.
  void add_program(fs::path program) {
    for (int hops = 0; hops < 8 && program.is_absolute(); ++hops) {
      add_tree_of(program.parent_path());
      std::error_code error;
      const fs::path target = fs::read_symlink(program, error);
      if (error) return;
      program = (program.parent_path() / target).lexically_normal();
    }
  }

  /// Paths anywhere in a variable: a list, a file:// address.
  void add_all_in(std::string_view pair) {
    std::string_view text = pair.substr(std::min(pair.size(), pair.find('=') + 1));
    while (!text.empty()) {
      const auto end = std::min(text.size(), text.find_first_of(":, ;"));
      auto word = text.substr(0, end);
      if (word.starts_with("//")) word.remove_prefix(2);  // file:
      if (word.starts_with('/')) add(word);
      text.remove_prefix(std::min(text.size(), end + 1));
    }
  }

  void add_search_path(std::string_view pair) {
    std::string_view text = pair.substr(std::min(pair.size(), pair.find('=') + 1));
    while (!text.empty()) {
      const auto end = std::min(text.size(), text.find(':'));
      add_tree_of(text.substr(0, end));
      text.remove_prefix(std::min(text.size(), end + 1));
    }
  }

  std::vector<std::string> take_all() { return std::move(paths_); }

 private:
  void add_tree_of(const fs::path& bin) { add(bin.filename() == "bin" ? bin.parent_path() : bin); }

  void take(const fs::path& path) {
    const std::string text = path.string();
    for (const auto place : kPlaces)
      if (text.starts_with(place) && text.size() > place.size()) paths_.push_back(text);
  }

  std::vector<std::string> paths_;
};

bool names_any(std::string_view pair, const std::array<std::string_view, 3>& prefixes) {
  return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return pair.starts_with(prefix); });
}

}  // namespace

std::vector<std::string> kept_paths(const JobSpec& spec) {
  Kept kept;
  std::error_code error;
  kept.add(fs::read_symlink("/proc/self/exe", error));
  if (spec.python.starts_with('/')) kept.add_program(spec.python);
  for (const std::string& path : {spec.pip_cache, spec.warmpool_cache})
    if (!path.empty()) kept.add(path);
  for (const ChannelSpec& channel : spec.channels)
    if (!channel.file_system_path.empty()) kept.add(channel.file_system_path);
  for (const std::string& pair : spec.host_environment)
    if (!pair.starts_with("TMPDIR=")) kept.add_all_in(pair);
  if (const char* path = std::getenv("PATH")) kept.add_search_path(std::string("PATH=") + path);
  for (const auto& [name, value] : spec.environment) {
    const std::string pair = name + "=" + value;
    if (names_any(pair, kTold)) kept.add_all_in(pair);
    if (names_any(pair, kSearched)) kept.add_search_path(pair);
  }
  auto paths = kept.take_all();
  // A channel that is the whole of /tmp: then that stays the machine's.
  for (const ChannelSpec& channel : spec.channels)
    if (!channel.file_system_path.empty())
      paths.push_back(fs::path(channel.file_system_path).lexically_normal().string());
  return paths;
}

}  // namespace sagelet::runner
