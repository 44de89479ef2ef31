#include "server/jobs/interpreters.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>

#include "base/fs.hpp"
#include "fmt/format.h"
#include "server/jobs/program_output.hpp"

namespace sagelet::jobs {

namespace {

int number_after(std::string_view text, std::string_view prefix) {
  const auto at = text.find(prefix);
  if (at == std::string_view::npos) return 0;
  int number = 0;
  const auto digits = text.substr(at + prefix.size());
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

bool runnable(const fs::path& path) {
  std::error_code ignored;
  return ::access(path.c_str(), X_OK) == 0 && fs::is_regular_file(path, ignored);
}

std::optional<fs::path> on_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view folders = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  while (!folders.empty()) {
    const auto colon = folders.find(':');
    const auto candidate = fs::path(folders.substr(0, colon)) / name;
    if (candidate.is_absolute() && runnable(candidate)) return candidate;
    if (colon == std::string_view::npos) break;
    folders.remove_prefix(colon + 1);
  }
  return std::nullopt;
}

bool is_script(const fs::path& path) {
  auto file = open_file(path, 0);
  char start[2] = {};
  return file && read_some(file->get(), start).value_or(0) == 2 && start[0] == '#' && start[1] == '!';
}

/// From files alone: a virtual environment's pyvenv.cfg, else the name the path leads to.
int minor_from_files(const fs::path& path) {
  if (auto config = read_file(path.parent_path().parent_path() / "pyvenv.cfg", 1 << 16))
    if (const int minor = number_after(*config, "version = 3."); minor != 0) return minor;
  std::error_code ignored;
  return number_after(fs::canonical(path, ignored).filename().native(), "python3.");
}

Result<Interpreter> ask(const fs::path& path) {
  auto said =
      output_of({path.native(), "-I", "-c", "import sys; print(sys.version_info[1]); print(sys.executable)"});
  if (!said) return Error(ErrorKind::kInvalid, path.native() + " does not run as a Python 3 interpreter");
  Interpreter found{path.native(), std::atoi(said->c_str())};
  const auto line = said->find('\n');
  const auto executable = line == std::string::npos ? std::string() : said->substr(line + 1);
  if (const auto name = trimmed(executable); !name.empty() && runnable(fs::path(name))) found.path = name;
  return found;
}

Result<Interpreter> look_up(const std::string& name) {
  const bool is_path = name.find('/') != std::string::npos;
  const auto found = is_path ? std::optional(fs::absolute(name).lexically_normal()) : on_path(name);
  if (!found || !runnable(*found))
    return Error(
        ErrorKind::kNotFound,
        fmt::format("{} is not a Python interpreter here: set SAGELET_PYTHON, or pythons: in sagelet.yaml",
                    name));
  if (is_script(*found)) return ask(*found);
  if (const int minor = minor_from_files(*found); minor != 0) return Interpreter{found->native(), minor};
  return ask(*found);
}

}  // namespace

Interpreters::Interpreters(std::vector<std::string> configured) : configured_(std::move(configured)) {
  if (configured_.empty()) configured_.emplace_back("python3");
}

Result<Interpreter> Interpreters::find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (const auto known = known_.find(name); known != known_.end()) return known->second;
  TRY(auto found, look_up(name));
  known_[name] = found;
  return found;
}

Result<Interpreter> Interpreters::pick(int minor) {
  if (minor != 0 && configured_.size() > 1)
    for (const auto& name : configured_)
      if (const auto found = find(name); found && found->minor == minor) return found;
  return find(configured_.front());
}

Result<Interpreter> Interpreters::of_version(int minor) {
  auto picked = pick(minor);
  if (minor == 0 || (picked && picked->minor == minor)) return picked;
  if (auto found = find(fmt::format("python3.{}", minor)); found && found->minor == minor) return found;
  return picked;
}

}  // namespace sagelet::jobs
