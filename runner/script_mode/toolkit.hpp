#pragma once
// The framework container's `train`: code, requirements, environment, script, success or failure file.
//
// Held to sagemaker-training 5.1.4, called as PyTorch's image calls it (capture_error), by
// tests/differential.
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "runner/sandbox/sandbox.hpp"
#include "runner/script_mode/entry_point.hpp"
#include "runner/script_mode/environment.hpp"

namespace sagelet::script_mode {

/// What `train` needs of the world around it.
struct Host {
  std::string base;    ///< the tree as we see it; Config::base is how the script sees it
  std::string python;  ///< the interpreter as the script sees it
  /// Runs a command in the sandbox, its output to log and capture. An error: the sandbox is broken.
  std::function<Result<runner::Ended>(const runner::Command&, ErrorCapture&)> run;
  std::function<void(std::string_view)> log;
  /// s3://... to a local file. The error's message is shown to the user.
  std::function<Status(const std::string& uri, const std::string& file)> fetch;
};

class Toolkit {
 public:
  Toolkit(Config config, Host host) : config_(std::move(config)), host_(std::move(host)) {}

  /// Gives the container's exit code; output/success or output/failure is written. An error is ours, not the
  /// script's.
  Result<int> train();
  /// What failed, as in output/failure; empty after success.
  const std::string& failure() const { return failure_; }

 private:
  struct Fault {
    std::string text;
    int exit_code = 1;
  };
  using Outcome = std::optional<Fault>;  ///< nullopt: good so far

  Result<Outcome> steps();
  Outcome fetch_code();
  Outcome prepare_entry_point();
  Result<Outcome> install();
  Result<Outcome> run_script();
  /// `in_front` is run before `argv`, and not told of when that fails.
  Result<Outcome> run_checked(const std::vector<std::string>& argv, const std::string& error_class,
                              const std::vector<std::string>& in_front = {});
  std::string seen(const std::string& path) const;
  std::string path(std::string_view below) const { return host_.base + "/" + std::string(below); }
  Outcome set_variables();
  void note(const char* name, const std::string& text);

  Config config_;
  Host host_;
  Environment environment_;
  std::string name_;
  EntryKind kind_ = EntryKind::kProgram;
  std::string failure_;
  bool script_ran_ = false;
};

/// "Framework Error: \n<what>"
std::string framework_failure(std::string_view what);

}  // namespace sagelet::script_mode
