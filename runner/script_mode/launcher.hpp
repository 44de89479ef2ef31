#pragma once
// The command that starts a script: itself, or a launcher of many processes where the hyperparameters of the
// framework (sagemaker_torch_distributed_enabled, sagemaker_mpi_enabled) ask for one. Held to
// sagemaker-training 5.1.4 by tests/differential, with programs that stand for torchrun and mpirun.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runner/script_mode/entry_point.hpp"
#include "runner/script_mode/environment.hpp"

namespace sagelet::script_mode {

struct Launch {
  std::vector<std::string> argv;
  std::vector<std::string> in_front;             ///< of argv when it is run; the failure text has argv only
  std::map<std::string, std::string> variables;  ///< beside the script's own
  std::optional<std::string> fault;              ///< the text of the ClientError; argv is empty then
  std::string warning;                           ///< of something asked for that is not emulated
};

/// `config.environment` holds the script's variables already.
Launch launch(const Config& config, const Environment& environment, EntryKind kind, const std::string& python,
              const std::string& name);

}  // namespace sagelet::script_mode
