#pragma once
// What a framework container gives a script: its arguments and the SM_* variables, from the three files of
// /opt/ml/input/config. Pinned against sagemaker-training 5.1.4 by tests/differential.
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runner/script_mode/far_shell.hpp"
#include "runner/script_mode/python_value.hpp"

namespace sagelet::script_mode {

/// What the toolkit would look up on its machine.
struct Machine {
  int cpus = 1, gpus = 0, neurons = 0;
  bool smddprun = false, smddpmprun = false;
};

struct Config {
  std::string base = "/opt/ml";  ///< as the script sees it
  python::Dict hyperparameters;  ///< as in hyperparameters.json, values not yet decoded
  python::Dict resource_config, input_data_config;
  std::map<std::string, std::string> environment;  ///< of the container before the script's part
  Machine machine;
  FarShell far_shell;  ///< of a job of several hosts
};

struct Environment {
  python::Value user_entry_point;                ///< usually text
  std::string module_dir;                        ///< s3://... or a folder
  std::vector<std::string> arguments;            ///< of the script; Python text
  std::map<std::string, std::string> variables;  ///< SM_*, SAGEMAKER_*, CURRENT_HOST, PYTHONPATH; Python text
  // for launchers
  python::Dict framework;          ///< sagemaker_* hyperparameters that are not the platform's
  std::vector<std::string> hosts;  ///< of the groups that are distributed over; never empty
  std::string master, current_host, interface, instance_type;
  bool distributed = false;  ///< this host's group is one of them
};

/// The three files below `config_folder`; kInvalid names the file.
Result<Config> read_config(const std::string& config_folder);

/// An error is what the toolkit calls a Framework Error (exit code 1).
Result<Environment> make_environment(const Config& config);

/// mapping.to_cmd_args
std::vector<std::string> to_arguments(const python::Dict& hyperparameters);

}  // namespace sagelet::script_mode
