#include "runner/algorithms/algorithms.hpp"

#include <array>

#include "runner/embedded/xgboost_py.hpp"

namespace sagelet::runner {
namespace {

struct Algorithm {
  std::string_view name, program;
};

constexpr std::array kAlgorithms{Algorithm{"xgboost", embedded::xgboost_py}};

}  // namespace

std::string_view program_of(std::string_view algorithm) {
  for (const Algorithm& known : kAlgorithms)
    if (known.name == algorithm) return known.program;
  return {};
}

Result<Command> algorithm_command(const Job& job) {
  const std::string& name = job.spec.algorithm;
  const std::string_view program = program_of(name);
  if (program.empty()) return Error(ErrorKind::kInvalid, "no built-in algorithm is called " + name);
  // Not under its bare name: the program's folder is searched first when it imports the package.
  const fs::path file = job.folder() / "env" / ("sagelet_" + name + ".py");
  TRY(write_file(file, program));
  Command command{.argv = {job.python, file.string()},
                  .environment = {},
                  .working_folder = job.sandbox->base() + "/code"};
  for (const auto& [variable, value] : job.environment) command.environment.push_back(variable + "=" + value);
  command.environment.push_back("SAGELET_INTERPRETER=" + job.spec.python);
  if (!job.spec.checkpoint_uri.empty())
    command.environment.push_back("SAGELET_CHECKPOINTS=" + job.spec.checkpoint_path);
  return command;
}

}  // namespace sagelet::runner
