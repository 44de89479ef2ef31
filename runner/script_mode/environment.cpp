#include "runner/script_mode/environment.hpp"

#include <algorithm>
#include <array>

#include "base/fs.hpp"
#include "runner/script_mode/utf8.hpp"

namespace sagelet::script_mode {
namespace {

using python::Dict;
using python::Int;
using python::List;
using python::None;
using python::Value;

constexpr std::string_view kPrefix = "sagemaker_";
/// Known hyperparameters of the platform: neither the script's nor the framework's.
constexpr std::array<std::string_view, 9> kPlatformKeys{
    "sagemaker_program",        "sagemaker_submit_directory",    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_region",         "sagemaker_container_log_level", "sagemaker_job_name",
    "default_user_module_name", "_tuning_objective_metric",      "sagemaker_s3_output"};
constexpr std::array<std::string_view, 7> kDistributionFlags{
    "sagemaker_mpi_enabled",
    "sagemaker_parameter_server_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_pytorch_ddp_enabled",
    "sagemaker_pytorch_xla_multi_worker_enabled",
    "sagemaker_multi_worker_mirrored_strategy_enabled",
    "sagemaker_torch_distributed_enabled"};

bool platform_key(std::string_view key) {
  return std::find(kPlatformKeys.begin(), kPlatformKeys.end(), key) != kPlatformKeys.end();
}

Error framework_error(std::string what) {
  return Error(ErrorKind::kInvalid, std::move(what));
}

Value value_or(const Dict& dict, std::string_view key, Value fallback) {
  const Value* found = dict.find(key);
  if (found) return *found;
  return fallback;
}

/// Hyperparameters after json.loads, in three heaps.
struct Heaps {
  Dict script, framework, platform;
};

Result<Heaps> split(const Dict& raw) {
  Heaps heaps;
  for (const auto& [key, text] : raw.items()) {
    Value value = text;
    if (const auto* json = text.as<std::string>()) {
      auto decoded = python::parse_json(*json);
      if (!decoded && decoded.error().is(ErrorKind::kNoSpace))
        return framework_error(
            "RecursionError: maximum recursion depth exceeded while decoding a JSON value");
      if (decoded) value = std::move(*decoded);
    }
    Dict& heap = platform_key(key)          ? heaps.platform
                 : key.starts_with(kPrefix) ? heaps.framework
                                            : heaps.script;
    heap.set(key, std::move(value));
  }
  return heaps;
}

/// What resourceconfig.json says of the cluster.
struct Cluster {
  Value hosts, groups_of_job, distribution_groups, distribution_hosts, group_hosts, group_names,
      groups_by_name;
  Value current_group, current_type, interface, topology;
  std::string current_host;
  Value master;
};

const List* groups_in(const Dict& resource_config) {
  const Value* groups = resource_config.find("instance_groups");
  return groups ? groups->as<List>() : nullptr;
}

Result<Value> member(const Value& group, std::string_view key) {
  const Dict* dict = group.as<Dict>();
  const Value* found = dict ? dict->find(key) : nullptr;
  if (!found) return framework_error("KeyError: " + python::repr_text(key));
  return *found;
}

bool contains(const Value& list, const Value& wanted) {
  const List* items = list.as<List>();
  return items && std::any_of(items->begin(), items->end(),
                              [&](const Value& item) { return python::repr(item) == python::repr(wanted); });
}

Value distribution_groups(const Dict& framework, const Value& current_group) {
  if (const Value* given = framework.find("sagemaker_distribution_instance_groups")) return *given;
  const bool distributed = std::any_of(kDistributionFlags.begin(), kDistributionFlags.end(), [&](auto flag) {
    const Value* set = framework.find(flag);
    return set && set->truthy();
  });
  return distributed ? List{current_group} : List{};
}

/// Walks instance_groups once for everything that depends on it.
Status add_groups(const Dict& resource_config, Cluster& cluster) {
  List names, group_hosts, spread;
  Dict by_name;
  const List* groups = groups_in(resource_config);
  for (const Value& group : groups ? *groups : List{}) {
    TRY(const Value name, member(group, "instance_group_name"));
    const bool ours = python::repr(name) == python::repr(cluster.current_group) && group_hosts.empty();
    const bool spreads = contains(cluster.distribution_groups, name);
    if (ours || spreads) {
      TRY(const Value hosts, member(group, "hosts"));
      const List* list = hosts.as<List>();
      if (ours && list) group_hosts = *list;
      if (spreads && list) spread.insert(spread.end(), list->begin(), list->end());
    }
    names.push_back(name);
    by_name.set(python::str(name), group);
  }
  const bool any = groups && !groups->empty();
  cluster.distribution_hosts = any ? Value(spread) : cluster.hosts;
  cluster.group_hosts = group_hosts;
  cluster.group_names = names;
  cluster.groups_by_name = by_name;
  return {};
}

Result<Cluster> read_cluster(const Dict& resource_config, const Dict& framework) {
  Cluster cluster;
  for (const char* key : {"hosts", "current_host"})
    if (!resource_config.find(key)) return framework_error("KeyError: " + python::repr_text(key));
  cluster.hosts = *resource_config.find("hosts");
  cluster.current_host = python::str(*resource_config.find("current_host"));
  cluster.current_type = value_or(resource_config, "current_instance_type", "local");
  cluster.current_group = value_or(resource_config, "current_group_name", "homogeneousCluster");
  cluster.interface = value_or(resource_config, "network_interface_name", "eth0");
  cluster.topology = value_or(resource_config, "topology", List{});
  cluster.distribution_groups = distribution_groups(framework, cluster.current_group);
  TRY(add_groups(resource_config, cluster));
  const List* spread = cluster.distribution_hosts.as<List>();
  const List* hosts = cluster.hosts.as<List>();
  if ((!spread || spread->empty()) && (!hosts || hosts->empty()))
    return framework_error("IndexError: list index out of range");
  cluster.master = spread && !spread->empty() ? spread->front() : hosts->front();
  return cluster;
}

std::string variable(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

/// Assembles the answer; one member function a group of variables.
class Builder {
 public:
  Builder(const Config& config, Heaps heaps, Cluster cluster)
      : config_(config), heaps_(std::move(heaps)), cluster_(std::move(cluster)) {}

  Result<Environment> build() {
    read_program();
    out_.arguments = to_arguments(heaps_.script);
    add_shared();
    add_only_in_object();
    add_only_as_variable();
    TRY(add_plain());
    add_for_launchers();
    return std::move(out_);
  }

 private:
  void read_program() {
    const std::string program = variable(config_.environment, "SAGEMAKER_PROGRAM");
    const bool given = config_.environment.contains("SAGEMAKER_PROGRAM");
    const Value by_parameter = value_or(heaps_.platform, "sagemaker_program", None{});
    out_.user_entry_point = given && !program.empty() ? Value(program) : by_parameter;
    module_name_ = given ? program : python::str(by_parameter);
    if (module_name_.ends_with(".py")) module_name_.resize(module_name_.size() - 3);
    out_.module_dir = python::str(value_or(heaps_.platform, "sagemaker_submit_directory", path("code")));
  }

  void add_for_launchers() {
    const List* spread = cluster_.distribution_hosts.as<List>();
    for (const Value& host : spread ? *spread : List{}) out_.hosts.push_back(python::str(host));
    if (out_.hosts.empty()) out_.hosts.push_back(cluster_.current_host);
    out_.framework = heaps_.framework;
    out_.master = python::str(cluster_.master);
    out_.current_host = cluster_.current_host;
    out_.interface = python::str(cluster_.interface);
    out_.instance_type = python::str(cluster_.current_type);
    out_.distributed = contains(cluster_.distribution_groups, cluster_.current_group);
  }

  std::string path(std::string_view below) const { return config_.base + "/" + std::string(below); }

  /// A property of the object that is a variable of its own, too.
  void both(const char* name, Value value) {
    variables_.set(name, value);
    object_.set(name, std::move(value));
  }

  void add_shared() {
    both("hosts", cluster_.hosts);
    both("network_interface_name", cluster_.interface);
    both("user_entry_point", out_.user_entry_point);
    both("resource_config", config_.resource_config);
    both("input_data_config", config_.input_data_config);
    both("output_data_dir", path("output/data"));
    both("current_host", cluster_.current_host);
    both("current_instance_type", cluster_.current_type);
    both("current_instance_group", cluster_.current_group);
    both("current_instance_group_hosts", cluster_.group_hosts);
    both("instance_groups", cluster_.group_names);
    both("instance_groups_dict", cluster_.groups_by_name);
    both("distribution_instance_groups", cluster_.distribution_groups);
    both("is_hetero", cluster_.group_names.as<List>()->size() > 1);
    both("module_name", module_name_);
    both("log_level", value_or(heaps_.platform, "sagemaker_container_log_level", 20));
    both("framework_module", optional_variable("SAGEMAKER_TRAINING_MODULE"));
    add_shared_paths();
  }

  void add_shared_paths() {
    both("input_dir", path("input"));
    both("input_config_dir", path("input/config"));
    both("output_dir", path("output"));
    both("num_cpus", config_.machine.cpus);
    both("num_gpus", config_.machine.gpus);
    both("num_neurons", config_.machine.neurons);
    both("model_dir", path("model"));
    both("module_dir", out_.module_dir);
    both("output_intermediate_dir", path("output/intermediate"));
  }

  void add_only_in_object() {
    Dict channels;
    for (const auto& [name, ignored] : config_.input_data_config.items())
      channels.set(name, path("input/data/" + name));
    object_.set("additional_framework_parameters", heaps_.framework);
    object_.set("channel_input_dirs", channels);
    object_.set("distribution_hosts", cluster_.distribution_hosts);
    object_.set("hyperparameters", heaps_.script);
    object_.set("is_master", cluster_.current_host == python::str(cluster_.master));
    object_.set("is_modelparallel_enabled", model_parallel());
    object_.set("is_smddpmprun_installed", config_.machine.smddpmprun);
    object_.set("is_smddprun_installed", config_.machine.smddprun);
    object_.set("job_name", optional_variable("TRAINING_JOB_NAME"));
    object_.set("master_hostname", cluster_.master);
    object_.set("topology", cluster_.topology);
    channels_ = std::move(channels);
  }

  void add_only_as_variable() {
    List names, arguments;
    for (const auto* item : channels_.sorted()) names.push_back(item->first);
    for (const std::string& argument : out_.arguments) arguments.push_back(argument);
    variables_.set("hps", heaps_.script);
    variables_.set("framework_params", heaps_.framework);
    variables_.set("channels", names);
    variables_.set("training_env", object_);
    variables_.set("user_args", arguments);
    if (cluster_.topology.truthy()) variables_.set("topology", cluster_.topology);
    for (const auto& [name, folder] : channels_.items()) variables_.set("channel_" + name, folder);
    for (const auto& [name, value] : heaps_.script.items()) variables_.set("hp_" + name, value);
  }

  /// Names in capitals, values as text; of two names that become one the later wins.
  Status add_plain() {
    for (const auto& [name, value] : variables_.items()) {
      const std::string* text = value.as<std::string>();
      out_.variables["SM_" + python::upper(name)] = text              ? *text
                                                    : value.is_none() ? ""
                                                                      : python::dump_json(value);
    }
    const Value job = value_or(heaps_.platform, "sagemaker_job_name", "");
    const Value region =
        value_or(heaps_.platform, "sagemaker_region", variable(config_.environment, "AWS_DEFAULT_REGION"));
    if (!job.as<std::string>() || (!region.as<std::string>() && region.truthy()))
      return framework_error("TypeError: str expected, not " +
                             python::repr(job.as<std::string>() ? region : job));
    out_.variables["SAGEMAKER_JOB_NAME"] = python::str(job);
    out_.variables["SAGEMAKER_REGION"] = region.truthy() ? python::str(region) : "";
    out_.variables["CURRENT_HOST"] = cluster_.current_host;
    const std::string path_before = variable(config_.environment, "PYTHONPATH");
    out_.variables["PYTHONPATH"] = path("code") + (path_before.empty() ? "" : ":" + path_before);
    return {};
  }

  Value optional_variable(const char* name) const {
    const auto found = config_.environment.find(name);
    return found == config_.environment.end() ? Value(None{}) : Value(found->second);
  }

  Value model_parallel() const {
    const Value given = optional_variable("SM_HP_MP_PARAMETERS");
    return given.truthy() ? Value(python::str(given) != "{}") : given;
  }

  const Config& config_;
  Heaps heaps_;
  Cluster cluster_;
  std::string module_name_;
  Dict object_, variables_, channels_;
  Environment out_;
};

std::string argument_value(const Value& value) {
  if (value.is_none()) return "";
  const Dict* dict = value.as<Dict>();
  if (!dict) return python::str(value);
  std::string out;
  for (const auto* item : dict->sorted())
    out += (out.empty() ? "" : ",") + item->first + "=" + python::str(item->second);
  return out;
}

Result<Dict> read_object(const std::string& file) {
  TRY(const std::string text, read_file(file));
  if (!is_utf8(text)) return Error(ErrorKind::kInvalid, file + ": not UTF-8");
  auto value = python::parse_json(text);
  if (!value) return std::move(value).error().context(file);
  if (!value->as<Dict>()) return Error(ErrorKind::kInvalid, file + ": not a JSON object");
  return std::get<Dict>(std::move(*value));
}

}  // namespace

std::vector<std::string> to_arguments(const Dict& hyperparameters) {
  std::vector<std::string> arguments;
  for (const auto* item : hyperparameters.sorted()) {
    const std::string& key = item->first;
    arguments.push_back(key.empty() ? "" : (python::length(key) > 1 ? "--" : "-") + key);
    arguments.push_back(argument_value(item->second));
  }
  return arguments;
}

Result<Config> read_config(const std::string& config_folder) {
  Config config;
  TRY(config.resource_config, read_object(config_folder + "/resourceconfig.json"));
  TRY(config.input_data_config, read_object(config_folder + "/inputdataconfig.json"));
  TRY(config.hyperparameters, read_object(config_folder + "/hyperparameters.json"));
  return config;
}

Result<Environment> make_environment(const Config& config) {
  TRY(Heaps heaps, split(config.hyperparameters));
  TRY(Cluster cluster, read_cluster(config.resource_config, heaps.framework));
  const Value level = value_or(heaps.platform, "sagemaker_container_log_level", 20);
  if (!level.as<Int>() && !level.as<bool>()) return framework_error("Unknown level: " + python::repr(level));
  return Builder(config, std::move(heaps), std::move(cluster)).build();
}

}  // namespace sagelet::script_mode
