#include "runner/steps/python.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/child.hpp"
#include "base/digest.hpp"
#include "fmt/format.h"
#include "runner/embedded/pip_upgrades_py.hpp"
#include "runner/script_mode/python_value.hpp"
#include "runner/steps/conda.hpp"
#include "runner/steps/steps.hpp"

namespace sagelet::runner {
namespace {

constexpr const char* kQuestion =
    "import json,site,sys\n"
    "folders=site.getsitepackages()+([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])\n"
    "print(json.dumps({'executable':getattr(sys,'_base_executable',None) or sys.executable,"
    "'major':sys.version_info[0],'minor':sys.version_info[1],'site_folders':folders}))";

std::string on_path(const std::string& name) {
  if (name.find('/') != name.npos) return name;
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const std::string file = folder + "/" + name; ::access(file.c_str(), X_OK) == 0) return file;
  return name;
}

/// Changes when the interpreter, or the virtual environment around it, does.
std::string fingerprint(const std::string& python) {
  std::string text = python;
  const fs::path config = fs::path(python).parent_path().parent_path() / "pyvenv.cfg";
  for (const fs::path& file : {fs::path(python), config}) {
    struct stat about;
    if (::stat(file.c_str(), &about) == 0)
      text += fmt::format("|{}:{}:{}.{}", about.st_ino, about.st_size, about.st_mtim.tv_sec,
                          about.st_mtim.tv_nsec);
  }
  return to_hex(Digest::of(DigestKind::kSha256, text)).substr(0, 32);
}

std::optional<Interpreter> parse(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  try {
    return Interpreter{json.at("executable"), json.at("major"), json.at("minor"), json.at("site_folders")};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

Result<std::string> ask(const std::string& python) {
  TRY(Pipe pipe, make_pipe());
  TRY(Child child, Child::start({.argv = {python, "-c", kQuestion},
                                 .environment = {},
                                 .working_folder = {},
                                 .stdout_fd = pipe.write.get(),
                                 .inherited_fds = {}}));
  pipe.write.reset();
  std::string answer, buffer(4096, '\0');
  while (true) {
    TRY(const std::size_t got, read_some(pipe.read.get(), buffer));
    if (got == 0) break;
    answer.append(buffer, 0, got);
  }
  const auto status = child.wait();
  if (!status || !status->ok()) return Error(ErrorKind::kInvalid, "it does not run");
  return answer;
}

std::string shell_word(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

Status link(const fs::path& target, const fs::path& place) {
  std::error_code error;
  fs::remove(place, error);
  fs::create_symlink(target, place, error);
  if (error) return Error(ErrorKind::kIo, place.string() + ": " + error.message());
  return {};
}

}  // namespace

Result<Interpreter> describe(const std::string& name, const fs::path& cache) {
  const std::string python = on_path(name);
  const fs::path file = cache / (fingerprint(python) + ".json");
  if (!cache.empty())
    if (const auto known = read_file(file); known)
      if (auto interpreter = parse(*known)) return std::move(*interpreter);
  auto answer = ask(python);
  if (!answer) return std::move(answer).error().context("the Python interpreter " + python);
  auto interpreter = parse(*answer);
  if (!interpreter)
    return Error(ErrorKind::kInvalid,
                 "the Python interpreter " + python + " gave a strange answer: " + *answer);
  // The cache only saves time: a job goes on without it.
  if (!cache.empty() && make_folders(cache)) [[maybe_unused]]
    const Status kept = write_file(file, *answer);
  return std::move(*interpreter);
}

Status make_overlay(const Interpreter& interpreter, const fs::path& folder) {
  const fs::path bin = folder / "bin",
                 site = folder / "lib" / ("python" + interpreter.version()) / "site-packages";
  TRY(make_folders(bin));
  TRY(make_folders(site));
  TRY(link(interpreter.executable, bin / "python"));
  for (const std::string& name : {std::string("python3"), "python" + interpreter.version()})
    TRY(link("python", bin / name));
  TRY(write_file(
      folder / "pyvenv.cfg",
      fmt::format("home = {}\ninclude-system-site-packages = false\nversion = {}\n",
                  fs::path(interpreter.executable).parent_path().string(), interpreter.version())));
  std::string parent;
  for (const std::string& path : interpreter.site_folders)
    parent += "import site; site.addsitedir(" + python::repr_text(path) + ")\n";
  parent +=
      "import sys; getattr(sys, 'argv', [])[:2] == ['-m', 'install'] and "
      "__import__('sagelet_pip_upgrades')\n";
  TRY(write_file(site / "sagelet_pip_upgrades.py", embedded::pip_upgrades_py));
  TRY(write_file(site / "sagelet.pth", parent));
  const std::string wrapper = "#!/bin/sh\nexec " + shell_word((bin / "python").string()) + " -m pip \"$@\"\n";
  for (const char* name : {"pip", "pip3"}) TRY(write_file(bin / name, wrapper, false, 0755));
  return {};
}

/// Where @remote's job driver keeps pip's and conda's caches: the machine's own, so that they are warm. A
/// warm pool's folder comes under the name it has on AWS.
static Status share_caches(const Job& job) {
  const JobSpec& spec = job.spec;
  if (!spec.warmpool_cache.empty()) {
    TRY(make_folders(spec.warmpool_cache));
    TRY(make_folders(job.ml("sagemaker")));
    TRY(link(spec.warmpool_cache, job.ml("sagemaker/warmpoolcache")));
  }
  if (spec.pip_cache.empty()) return {};
  const fs::path caches = (spec.warmpool_cache.empty() ? job.ml("cache") : fs::path(spec.warmpool_cache)) /
                          "sm_remotefunction_user_dependencies_cache";
  TRY(make_folders(caches / "conda"));
  TRY(make_folders(fs::path(spec.pip_cache) / "conda"));
  TRY(link(fs::path(spec.pip_cache) / "conda", caches / "conda/pkgs"));
  return link(spec.pip_cache, caches / "pip");
}

Status make_python(Job& job) {
  if (job.spec.python.empty()) return {};
  const fs::path cache =
      job.spec.pip_cache.empty() ? fs::path() : fs::path(job.spec.pip_cache) / "interpreters";
  TRY(const Interpreter interpreter, describe(job.spec.python, cache));
  TRY(make_overlay(interpreter, job.folder() / "env"));
  TRY(offer_micromamba(job.folder() / "env/bin"));
  job.python = (job.folder() / "env/bin/python").string();
  job.python_version = interpreter.version();
  return share_caches(job);
}

}  // namespace sagelet::runner
