#include "runner/script_mode/standalone.hpp"

#include <sched.h>
#include <unistd.h>

#include <cstdio>

#include "base/fs.hpp"
#include "runner/sandbox/process/process_sandbox.hpp"
#include "runner/script_mode/machine.hpp"
#include "runner/script_mode/toolkit.hpp"
#include "runner/steps/execute.hpp"

namespace sagelet::script_mode {
namespace {

int cores() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> out;
  for (char** variable = environ; *variable; ++variable) {
    const std::string text = *variable;
    if (const auto equals = text.find('='); equals != text.npos)
      out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

void print(std::string_view line) {
  std::fprintf(stdout, "%.*s\n", static_cast<int>(line.size()), line.data());
}

Result<int> run(const std::string& base, const std::string& python) {
  TRY(const TempFolder folder, TempFolder::make(fs::temp_directory_path(), "sagelet-script-"));
  const runner::StopSignal stop;
  TRY(const auto sandbox, runner::ProcessSandbox::make({.folder = folder.path().string(),
                                                        .checkpoint_path = {},
                                                        .only = runner::Confinement::kBaseFolder}));
  TRY(Config config, read_config(base + "/input/config"));
  config.base = base;
  config.environment = own_environment();
  config.machine = look_at_machine(config.environment["PATH"], cores());
  Host host{.base = base, .python = python, .run = {}, .log = print, .fetch = {}};
  host.fetch = [](const std::string& uri, const std::string&) -> Status {
    return Error(ErrorKind::kUnavailable, uri + ": there is no server");
  };
  host.run = [&](const runner::Command& command, ErrorCapture& capture) -> Result<runner::Ended> {
    runner::Watcher watcher;
    watcher.line = [&](runner::Watcher::Stream stream, std::string_view line) {
      print(line);
      capture.line(static_cast<ErrorCapture::Stream>(stream), line);
    };
    watcher.stop = &stop;
    TRY(const runner::Execution execution, runner::execute(*sandbox, command, watcher));
    return execution.ended;
  };
  return Toolkit(std::move(config), std::move(host)).train();
}

}  // namespace

int run_standalone(const std::string& base, const std::string& python) {
  const auto code = run(base, python);
  if (code) return *code;
  std::fprintf(stderr, "sagelet-runner: %s\n", code.error().message().c_str());
  return 70;
}

}  // namespace sagelet::script_mode
