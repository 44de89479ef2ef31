#include "runner/script_mode/toolkit.hpp"

#include <signal.h>
#include <sys/stat.h>

#include <cstring>

#include "base/fs.hpp"
#include "runner/script_mode/launcher.hpp"
#include "runner/script_mode/unpack.hpp"

namespace sagelet::script_mode {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) out += (i > 0 ? " " : "") + words[i];
  return out;
}

bool exists(const std::string& path) {
  struct stat about;
  return ::stat(path.c_str(), &about) == 0;
}

bool is_empty_folder(const std::string& path) {
  std::error_code error;
  return fs::is_empty(path, error) && !error;
}

}  // namespace

std::string framework_failure(std::string_view what) {
  return "Framework Error: \n" + std::string(what);
}

Result<int> Toolkit::train() {
  TRY(const Outcome outcome, steps());
  if (!outcome) {
    note("success", "");
    return 0;
  }
  failure_ = outcome->text;
  host_.log("sagemaker-training-toolkit ERROR    Reporting training FAILURE");
  if (!script_ran_) host_.log("sagemaker-training-toolkit ERROR    " + failure_);
  if (!exists(path("output/failure"))) note("failure", failure_);  // a script's own stays
  return outcome->exit_code;
}

/// A file for the platform. The script may have taken the folder away: its fate is the same.
void Toolkit::note(const char* name, const std::string& text) {
  if (const Status written = write_file(path("output/") + name, text); !written)
    host_.log("sagemaker-training-toolkit WARNING  " + written.error().message());
}

Result<Toolkit::Outcome> Toolkit::steps() {
  auto environment = make_environment(config_);
  if (!environment) return Outcome(Fault{framework_failure(environment.error().message())});
  environment_ = std::move(*environment);
  if (auto fault = fetch_code()) return fault;
  if (auto fault = prepare_entry_point()) return fault;
  TRY(Outcome installed, install());
  if (installed) return installed;
  return run_script();
}

/// A path the script would use, as we reach it.
std::string Toolkit::seen(const std::string& path) const {
  const std::string& base = config_.base;
  return path == base || path.starts_with(base + "/") ? host_.base + path.substr(base.size()) : path;
}

// Only into an empty folder, as the toolkit: an image, or a channel, may have brought the code.
Toolkit::Outcome Toolkit::fetch_code() {
  const std::string code = path("code");
  if (const Status made = make_folders(code); !made) return Fault{framework_failure(made.error().message())};
  if (!is_empty_folder(code)) return std::nullopt;
  const auto warn = [this](const std::string& text) {
    host_.log("sagemaker-training-toolkit WARNING  " + text);
  };
  const auto checked = [](Status done) -> Outcome {
    if (done) return std::nullopt;
    return Fault{framework_failure(done.error().message())};
  };
  const std::string& uri = environment_.module_dir;
  if (uri.starts_with("s3://")) {
    const std::string file = host_.base + "/.sourcedir.tar.gz";
    if (auto fault = checked(host_.fetch(uri, file))) return fault;
    const auto fault = checked(unpack(file, code, warn));
    std::error_code none;
    fs::remove(file, none);
    return fault;
  }
  const std::string source = seen(uri);
  if (source == code) return std::nullopt;
  std::error_code error;
  if (fs::is_directory(source, error)) {
    fs::copy(source, code, fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
    if (error) return Fault{framework_failure(source + ": " + error.message())};
    return std::nullopt;
  }
  if (!exists(source))
    return Fault{framework_failure("[Errno 2] No such file or directory: " + python::repr_text(uri)), 2};
  return checked(unpack(source, code, warn));
}

Toolkit::Outcome Toolkit::prepare_entry_point() {
  if (auto fault = entry_point_fault(environment_.user_entry_point)) return Fault{std::move(*fault)};
  name_ = *environment_.user_entry_point.as<std::string>();
  kind_ = kind_of(path("code"), name_);
  if (kind_ != EntryKind::kCommand) return std::nullopt;
  std::error_code error;
  const fs::path code = fs::weakly_canonical(path("code"), error),
                 target = fs::weakly_canonical(code / name_, error);
  if (!target.string().starts_with(code.string() + "/"))
    return Fault{
        "The training entry point " + python::repr_text(name_) +
        " resolves to a location outside your source directory. Set the 'sagemaker_program' hyperparameter "
        "(or ContainerEntrypoint) to a path inside that directory -- for example 'train.py' or "
        "'bin/train.sh'."};
  if (::chmod(target.c_str(), 0777) == 0) return std::nullopt;
  const int number = errno;
  const std::string shown = config_.base + "/code/" + name_;
  return Fault{framework_failure("[Errno " + std::to_string(number) + "] " + std::strerror(number) + ": " +
                                 python::repr_text(shown)),
               number};
}

Result<Toolkit::Outcome> Toolkit::install() {
  const bool requirements = exists(path("code/requirements.txt"));
  if (kind_ == EntryKind::kCommand || (kind_ == EntryKind::kProgram && !requirements)) return Outcome();
  const auto argv = install_command(kind_, host_.python, requirements);
  host_.log(kind_ == EntryKind::kPackage ? "sagemaker-training-toolkit INFO     Installing module."
                                         : "sagemaker-training-toolkit INFO     Installing dependencies from "
                                           "requirements.txt");
  return run_checked(argv, kind_ == EntryKind::kPackage ? "InstallModuleError" : "InstallRequirementsError");
}

/// os.environ.update(env_vars)
Toolkit::Outcome Toolkit::set_variables() {
  for (const auto& [name, value] : environment_.variables) {
    const auto name_bytes = python::system_bytes(name), value_bytes = python::system_bytes(value);
    if (!name_bytes || !value_bytes)
      return Fault{framework_failure((name_bytes ? value_bytes : name_bytes).error().message())};
    if (name_bytes->find('=') != std::string::npos)
      return Fault{framework_failure("illegal environment variable name")};
    config_.environment[*name_bytes] = *value_bytes;
  }
  return std::nullopt;
}

Result<Toolkit::Outcome> Toolkit::run_script() {
  if (auto fault = set_variables()) return fault;
  const Launch how = launch(config_, environment_, kind_, host_.python, name_);
  if (how.fault) return Outcome(Fault{*how.fault});
  if (!how.warning.empty()) host_.log("sagemaker-training-toolkit WARNING  " + how.warning);
  for (const auto& [name, value] : how.variables) config_.environment[name] = value;
  script_ran_ = true;
  return run_checked(how.argv, "ExecuteUserScriptError", how.in_front);
}

Result<Toolkit::Outcome> Toolkit::run_checked(const std::vector<std::string>& argv,
                                              const std::string& error_class,
                                              const std::vector<std::string>& in_front) {
  runner::Command command{.argv = in_front, .working_folder = config_.base + "/code"};
  // What asyncio raises is wrapped, the exception standing where the command belongs.
  const auto not_started = [](const std::string& why) {
    return Outcome(Fault{called_process_failure("ExecuteUserScriptError", "None", "", why)});
  };
  for (const std::string& word : argv) {
    auto bytes = python::system_bytes(word);
    if (!bytes) return not_started(bytes.error().message());
    command.argv.push_back(std::move(*bytes));
  }
  for (const auto& [name, value] : config_.environment) command.environment.push_back(name + "=" + value);
  ErrorCapture capture(error_class);
  TRY(const runner::Ended ended, host_.run(command, capture));
  // Before the script the toolkit starts `which` with the same variables, outside of what it wraps.
  if (ended.exec_error == E2BIG)
    return Outcome(Fault{framework_failure("[Errno 7] Argument list too long: 'which'"), E2BIG});
  if (ended.exec_error != 0)
    return not_started("[Errno " + std::to_string(ended.exec_error) + "] " + std::strerror(ended.exec_error) +
                       ": " + python::repr_text(argv[0]));
  const int code = ended.return_code();
  if (code == 0) return Outcome();
  // Whoever is killed has no last words: what it wrote before says nothing of why.
  const std::string message = code == -SIGKILL ? capture.text() : capture.text_or_last_words();
  return Outcome(Fault{called_process_failure(error_class, std::to_string(code), message, joined(argv))});
}

}  // namespace sagelet::script_mode
