#include "runner/script_mode/launcher.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "fmt/format.h"
#include "runner/script_mode/machine.hpp"

namespace sagelet::script_mode {
namespace {

using python::Dict;
using python::Value;

constexpr std::string_view kMasterPort = "7777";
constexpr std::array<std::string_view, 10> kEfa{
    "ml.g4dn.8xlarge",  "ml.g4dn.12xlarge", "ml.g5.48xlarge",  "ml.p3dn.24xlarge", "ml.p4d.24xlarge",
    "ml.p4de.24xlarge", "ml.p5.48xlarge",   "ml.p5e.48xlarge", "ml.trn1.32xlarge", "ml.p6e-gb200.36xlarge"};
constexpr std::array<std::string_view, 6> kEfaRdma{"ml.p4d.24xlarge",  "ml.p4de.24xlarge",
                                                   "ml.p5.48xlarge",   "ml.p5e.48xlarge",
                                                   "ml.trn1.32xlarge", "ml.p6e-gb200.36xlarge"};
constexpr std::array<std::string_view, 3> kNotEmulated{"sagemaker_distributed_dataparallel_enabled",
                                                       "sagemaker_pytorch_ddp_enabled",
                                                       "sagemaker_pytorch_xla_multi_worker_enabled"};

bool set(const Dict& dict, std::string_view key) {
  const Value* value = dict.find(key);
  return value && value->truthy();
}

template <class List>
bool has(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

std::string processes_per_host(const Config& config, const Environment& environment) {
  if (const Value* given = environment.framework.find("sagemaker_mpi_num_of_processes_per_host"))
    return python::str(*given);
  const Machine& machine = config.machine;
  return std::to_string(machine.gpus > 0 ? machine.gpus : machine.neurons > 0 ? machine.neurons : 1);
}

Launch refused(std::string text) {
  Launch launch;
  launch.fault = std::move(text);
  return launch;
}

Launch by_torchrun(const Config& config, const Environment& environment, EntryKind kind,
                   const std::string& name) {
  if (kind == EntryKind::kPackage)
    return refused(
        "Python packages are not supported for torch_distributed. Please use a python script as the "
        "entry-point");
  if (kind == EntryKind::kCommand) return refused("Unsupported entry point type for torch_distributed");
  Launch launch;
  if (has(kEfa, environment.instance_type)) launch.variables["FI_PROVIDER"] = "efa";
  if (has(kEfaRdma, environment.instance_type))
    launch.variables["FI_EFA_USE_DEVICE_RDMA"] = launch.variables["RDMAV_FORK_SAFE"] = "1";
  launch.variables["NCCL_SOCKET_IFNAME"] = environment.interface;
  launch.variables["NCCL_PROTO"] = "simple";
  const auto& hosts = environment.hosts;
  const auto rank = std::find(hosts.begin(), hosts.end(), environment.current_host) - hosts.begin();
  const auto neuron = config.environment.find("RUN_NEURON_PARALLEL_COMPILE");
  if (neuron != config.environment.end() && neuron->second == "1") launch.argv = {"neuron_parallel_compile"};
  append(launch.argv, {"torchrun", "--nnodes", std::to_string(hosts.size()), "--nproc_per_node",
                       processes_per_host(config, environment)});
  if (hosts.size() > 1)
    append(launch.argv, {"--master_addr", environment.master, "--master_port", std::string(kMasterPort),
                         "--node_rank", std::to_string(rank)});
  launch.argv.push_back(name);
  append(launch.argv, environment.arguments);
  return launch;
}

constexpr std::string_view kMpirun =
    "mpirun --host {host} -np {processes} --allow-run-as-root --display-map --tag-output"
    " -mca btl_tcp_if_include {interface} -mca oob_tcp_if_include {interface} -mca plm_rsh_no_tree_spawn 1"
    " -bind-to none -map-by slot -mca pml ob1 -mca btl ^openib -mca orte_abort_on_non_zero_status 1"
    " -mca btl_vader_single_copy_mechanism none -x NCCL_MIN_NRINGS=4 -x NCCL_SOCKET_IFNAME={interface}"
    " -x NCCL_DEBUG={debug} -x LD_LIBRARY_PATH -x PATH";

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// --NCCL_DEBUG of the user's options, and the others.
std::pair<std::string, std::vector<std::string>> custom_options(const Environment& environment) {
  const Value* given = environment.framework.find("sagemaker_mpi_custom_mpi_options");
  std::istringstream words(given ? python::str(*given) : "");
  std::string debug = "INFO";
  std::vector<std::string> others;
  for (std::string word; words >> word;) {
    if (word == "--NCCL_DEBUG")
      words >> debug;
    else if (word.starts_with("--NCCL_DEBUG="))
      debug = word.substr(13);
    else
      others.push_back(word);
  }
  return {debug, others};
}

std::vector<std::string> script_by_mpi4py(const Environment& environment, EntryKind kind,
                                          const std::string& python, const std::string& name) {
  auto script = script_command(kind, python, name, environment.arguments);
  if (kind == EntryKind::kCommand) return script;
  script.insert(script.begin() + 1, {"-m", "mpi4py"});
  if (kind == EntryKind::kProgram) script.erase(script.begin() + 3);  // mpi4py takes no "--"
  return script;
}

/// A host that waits for the first one's mpirun to start processes on it.
Launch as_mpi_worker(const Config& config, const Environment& environment) {
  Launch launch;
  launch.argv = {config.far_shell.program, "--mpi-worker", environment.current_host};
  launch.variables[kFarShellVariable] = config.far_shell.variable();
  return launch;
}

/// mpirun calls our agent where it would call ssh (Open MPI 4; 5).
void reach_workers(Launch& launch, const Config& config, const Environment& environment) {
  std::string workers;
  for (const std::string& host : environment.hosts)
    if (host != environment.current_host) workers += (workers.empty() ? "" : ",") + host;
  launch.in_front = {config.far_shell.program, "--mpi-leader", workers};
  launch.variables[kFarShellVariable] = config.far_shell.variable();
  launch.variables["OMPI_MCA_plm_rsh_agent"] = launch.variables["PRTE_MCA_plm_ssh_agent"] = kFarShellAgent;
}

std::string slots_of(const std::vector<std::string>& hosts, const std::string& count) {
  std::string out;
  for (const std::string& host : hosts)
    out += (out.empty() ? "" : ",") + host + (count == "1" ? "" : ":" + count);
  return out;
}

/// The processes of all hosts.
std::string all_processes(const Environment& environment, const std::string& per_host) {
  const Value* total = environment.framework.find("sagemaker_mpi_num_processes");
  if (total && total->truthy()) return python::str(*total);
  return std::to_string(std::strtoll(per_host.c_str(), nullptr, 10) *
                        static_cast<long long>(environment.hosts.size()));
}

/// Instead of the toolkit's sshd on each host: far_shell.hpp. One host needs neither, mpirun forks there.
Launch by_mpirun(const Config& config, const Environment& environment, EntryKind kind,
                 const std::string& python, const std::string& name) {
  const auto path = config.environment.find("PATH");
  if (path == config.environment.end() || !has_program(path->second, "mpirun"))
    return refused(
        "distribution by MPI needs mpirun, which is not on this machine's PATH. Install Open MPI (apt-get "
        "install openmpi-bin) and mpi4py for the job's Python, or use an image of your own that brings them");
  if (environment.hosts.size() > 1) {
    if (config.far_shell.program.empty()) return refused("MPI over several hosts needs a job, not a script");
    if (environment.current_host != environment.hosts.front()) return as_mpi_worker(config, environment);
  }
  const std::string count = processes_per_host(config, environment);
  const auto [debug, others] = custom_options(environment);
  Launch launch;
  if (environment.hosts.size() > 1) reach_workers(launch, config, environment);
  launch.argv = words_of(fmt::format(kMpirun, fmt::arg("host", slots_of(environment.hosts, count)),
                                     fmt::arg("processes", all_processes(environment, count)),
                                     fmt::arg("interface", environment.interface), fmt::arg("debug", debug)));
  append(launch.argv, others);
  if (has(kEfa, environment.instance_type))
    append(launch.argv, {"-x", "FI_PROVIDER=efa", "-x", "NCCL_PROTO=simple"});
  if (has(kEfaRdma, environment.instance_type)) append(launch.argv, {"-x", "FI_EFA_USE_DEVICE_RDMA=1"});
  for (const char* credential : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
    if (config.environment.contains(credential)) append(launch.argv, {"-x", credential});
  for (const auto& [variable, ignored] : environment.variables)
    if (variable.starts_with("SM_") || variable == "PYTHONPATH") append(launch.argv, {"-x", variable});
  append(launch.argv, script_by_mpi4py(environment, kind, python, name));
  return launch;
}

/// What TensorFlow's container sets for its parameter servers and its mirrored workers.
std::string tf_config(const Environment& environment, bool mirrored) {
  const auto addresses = [](auto first, auto last, const char* port) {
    std::string out;
    for (; first != last; ++first)
      out += (out.empty() ? "" : ", ") + python::dump_json_plain(Value(*first + ":" + port));
    return "[" + out + "]";
  };
  const auto& hosts = environment.hosts;
  const auto rank = std::find(hosts.begin(), hosts.end(), environment.current_host) - hosts.begin();
  const auto task = [](const char* type, auto index) {
    return "\"environment\": \"cloud\", \"task\": {\"index\": " + std::to_string(index) + ", \"type\": \"" +
           type + "\"}}";
  };
  if (mirrored)
    return "{\"cluster\": {\"worker\": " + addresses(hosts.begin(), hosts.end(), "8890") + "}, " +
           task("worker", rank);
  return "{\"cluster\": {\"master\": " + addresses(hosts.begin(), hosts.begin() + 1, "2222") +
         ", \"ps\": " + addresses(hosts.begin(), hosts.end(), "2223") +
         ", \"worker\": " + addresses(hosts.begin() + 1, hosts.end(), "2222") + "}, " +
         (rank == 0 ? task("master", 0) : task("worker", rank - 1));
}

bool is_tensorflow(const Config& config) {
  const auto found = config.environment.find("SAGEMAKER_TRAINING_MODULE");
  return found != config.environment.end() && found->second.starts_with("sagemaker_tensorflow_container");
}

Launch by_itself(const Config& config, const Environment& environment, EntryKind kind,
                 const std::string& python, const std::string& name) {
  Launch launch;
  launch.argv = script_command(kind, python, name, environment.arguments);
  for (const auto flag : kNotEmulated)
    if (set(environment.framework, flag))
      launch.warning =
          std::string(flag) + " asks for a launcher that is not emulated: the script runs as one process";
  if (!is_tensorflow(config)) return launch;
  if (set(environment.framework, "sagemaker_multi_worker_mirrored_strategy_enabled"))
    launch.variables["TF_CONFIG"] = tf_config(environment, true);
  else if (set(environment.framework, "sagemaker_parameter_server_enabled") && environment.hosts.size() > 1)
    launch.variables["TF_CONFIG"] = tf_config(environment, false);
  return launch;
}

}  // namespace

Launch launch(const Config& config, const Environment& environment, EntryKind kind, const std::string& python,
              const std::string& name) {
  const Dict& framework = environment.framework;
  if (set(framework, "sagemaker_mpi_enabled") && environment.distributed)
    return by_mpirun(config, environment, kind, python, name);
  if (set(framework, "sagemaker_torch_distributed_enabled") && environment.distributed)
    return by_torchrun(config, environment, kind, name);
  return by_itself(config, environment, kind, python, name);
}

}  // namespace sagelet::script_mode
