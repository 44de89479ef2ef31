#include "server/services/sagemaker/training_request.hpp"

#include <algorithm>

#include "fmt/format.h"
#include "server/jobs/instances.hpp"
#include "server/resources/plain.hpp"
#include "server/services/sagemaker/request_parts.hpp"

namespace sagelet::sagemaker {

namespace fs = std::filesystem;

namespace {

// ---- what Describe shows

void fill(Document& object, const char* member, const Document& value) {
  if (!object.contains(member)) object[member] = value;
}

void fill_channels(Document& channels) {
  for (auto& channel : channels) {
    fill(channel, "CompressionType", "None");
    fill(channel, "RecordWrapperType", "None");
    const auto source = channel["DataSource"].find("S3DataSource");
    if (source != channel["DataSource"].end()) fill(*source, "S3DataDistributionType", "FullyReplicated");
  }
}

// ---- hosts

std::vector<std::string> host_names(std::int64_t first, std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back(fmt::format("algo-{}", first + i));
  return names;
}

void describe_groups(jobs::Request& request, const Document& groups) {
  JobSpec& spec = request.spec;
  spec.hosts.clear();
  for (const auto& group : groups) {
    auto hosts = host_names(static_cast<std::int64_t>(spec.hosts.size()) + 1, number(group, "InstanceCount"));
    spec.hosts.insert(spec.hosts.end(), hosts.begin(), hosts.end());
    spec.instance_groups.push_back({.name = text(group, "InstanceGroupName"),
                                    .instance_type = text(group, "InstanceType"),
                                    .hosts = std::move(hosts)});
  }
  spec.group_name = spec.instance_groups.front().name;
  request.instance_type = spec.instance_groups.front().instance_type;
}

void describe_hosts(jobs::Request& request, const Document& resources) {
  JobSpec& spec = request.spec;
  if (const auto& groups = items(resources, "InstanceGroups"); !groups.empty()) {
    describe_groups(request, groups);
  } else {
    const auto& preferences = items(resources, "InstancePreferences");
    const auto& chosen = preferences.empty() ? resources : preferences.front();
    request.instance_type = text(chosen, "InstanceType");
    spec.hosts = host_names(
        1, std::max<std::int64_t>(1, number(chosen, "InstanceCount", number(resources, "InstanceCount"))));
  }
  request.instance_count = static_cast<int>(spec.hosts.size());
  spec.instance_type = request.instance_type;
  if (const auto* instance = jobs::find_instance(request.instance_type)) spec.gpus = instance->gpus;
}

// ---- channels

Error cannot(const std::string& channel, std::string_view what) {
  return Error(ErrorKind::kInvalid, fmt::format("Channel {}: {}", channel, what));
}

/// DirectoryPath below the folder that stands for the file system. Nothing of this machine is shown to a job
/// that sagelet.yaml does not name.
Result<std::string> folder_of(const std::string& channel, const Document& source,
                              const FileSystems& file_systems) {
  const std::string id = text(source, "FileSystemId");
  auto found = file_systems.find(id);
  if (found == file_systems.end()) found = file_systems.find("*");
  if (found == file_systems.end())
    return cannot(channel, fmt::format("no local folder stands for the file system {0}. Name one in "
                                       "sagelet.yaml: file_systems: {{ {0}: /path/to/folder }}",
                                       id));
  const fs::path below = fs::path(text(source, "DirectoryPath")).relative_path().lexically_normal();
  if (!below.empty() && *below.begin() == "..")
    return cannot(channel, "DirectoryPath leads out of the file system.");
  const fs::path folder = found->second / below;
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    return cannot(channel, fmt::format("{} is not a folder (DirectoryPath {} of the file system {}).",
                                       folder.native(), text(source, "DirectoryPath"), id));
  return folder.native();
}

void describe_s3(ChannelSpec& spec, const Document& source, const std::vector<InstanceGroup>& groups) {
  spec.s3_uri = text(source, "S3Uri");
  spec.data_type = text(source, "S3DataType", "S3Prefix");
  spec.distribution = text(source, "S3DataDistributionType", "FullyReplicated");
  for (const auto& name : items(source, "AttributeNames")) spec.attribute_names.push_back(name);
  for (const std::string wanted : items(source, "InstanceGroupNames"))
    for (const auto& group : groups)
      if (group.name == wanted) spec.hosts.insert(spec.hosts.end(), group.hosts.begin(), group.hosts.end());
}

Result<ChannelSpec> channel_of(const Document& params, const Document& channel,
                               const std::vector<InstanceGroup>& groups, const FileSystems& file_systems) {
  ChannelSpec spec{.name = text(channel, "ChannelName"),
                   .input_mode = mode_of(params, channel),
                   .content_type = text(channel, "ContentType"),
                   .compression = text(channel, "CompressionType", "None"),
                   .record_wrapper = text(channel, "RecordWrapperType", "None")};
  if (channel.contains("ShuffleConfig")) {
    spec.shuffle = true;
    spec.shuffle_seed = channel["ShuffleConfig"].value("Seed", std::uint64_t{0});
  }
  const auto& source = part(channel, "DataSource");
  if (source.contains("S3DataSource")) {
    describe_s3(spec, source["S3DataSource"], groups);
    if (spec.data_type == "Converse") return cannot(spec.name, "S3DataType Converse is not supported.");
    return spec;
  }
  const auto& file_system = part(source, "FileSystemDataSource");
  if (file_system.empty()) return cannot(spec.name, "this server reads input from S3 and from file systems.");
  TRY(spec.file_system_path, folder_of(spec.name, file_system, file_systems));
  spec.file_system_read_only = text(file_system, "FileSystemAccessMode") != "rw";
  return spec;
}

// ---- the rest

void describe_program(JobSpec& spec, const Document& params) {
  const auto& algorithm = part(params, "AlgorithmSpecification");
  spec.image = text(algorithm, "TrainingImage", text(algorithm, "AlgorithmName"));
  spec.input_mode = text(algorithm, "TrainingInputMode", "File");
  for (const auto& word : items(algorithm, "ContainerEntrypoint")) spec.entrypoint.push_back(word);
  for (const auto& word : items(algorithm, "ContainerArguments")) spec.arguments.push_back(word);
  spec.script_mode = spec.entrypoint.empty();
  for (const auto& metric : items(algorithm, "MetricDefinitions"))
    spec.metrics.push_back({.name = metric.at("Name"), .regex = metric.at("Regex")});
  for (const auto& [name, value] : part(params, "HyperParameters").items())
    spec.hyperparameters[name] = value;
  for (const auto& [name, value] : part(params, "Environment").items()) spec.environment[name] = value;
  spec.network_isolation = params.value("EnableNetworkIsolation", false);
}

void describe_output(JobSpec& spec, const Document& params) {
  const auto& output = part(params, "OutputDataConfig");
  spec.output_uri = text(output, "S3OutputPath");
  spec.output_compression = text(output, "CompressionType", "GZIP");
  const auto& checkpoints = part(params, "CheckpointConfig");
  spec.checkpoint_uri = text(checkpoints, "S3Uri");
  spec.checkpoint_path = text(checkpoints, "LocalPath", spec.checkpoint_path);
  spec.max_runtime_seconds =
      number(part(params, "StoppingCondition"), "MaxRuntimeInSeconds", spec.max_runtime_seconds);
}

}  // namespace

std::optional<S3Uri> S3Uri::parse(std::string_view uri) {
  if (!uri.starts_with("s3://")) return std::nullopt;
  uri.remove_prefix(5);
  const auto slash = uri.find('/');
  S3Uri parsed{.bucket = std::string(uri.substr(0, slash)), .prefix = ""};
  if (slash != std::string_view::npos) parsed.prefix = uri.substr(slash + 1);
  if (parsed.bucket.empty()) return std::nullopt;
  return parsed;
}

Document echo_of(const model::Shape& answer, const Document& params) {
  Document shown = resources::echoed(answer, params);
  fill(shown["OutputDataConfig"], "KmsKeyId", "");
  fill(shown["OutputDataConfig"], "CompressionType", "GZIP");
  fill(shown, "StoppingCondition", Document::object());
  fill(shown["StoppingCondition"], "MaxRuntimeInSeconds", 86400);
  for (const char* flag :
       {"EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining"})
    fill(shown, flag, false);
  if (const auto algorithm = shown.find("AlgorithmSpecification"); algorithm != shown.end())
    fill(*algorithm, "EnableSageMakerMetricsTimeSeries", false);
  if (const auto checkpoints = shown.find("CheckpointConfig"); checkpoints != shown.end())
    fill(*checkpoints, "LocalPath", "/opt/ml/checkpoints");
  if (const auto channels = shown.find("InputDataConfig"); channels != shown.end()) fill_channels(*channels);
  const auto profiler = shown.find("ProfilerConfig");
  const bool profiled = profiler != shown.end() && !profiler->value("DisableProfiler", false);
  shown["ProfilingStatus"] = profiled ? "Enabled" : "Disabled";
  return shown;
}

Result<jobs::Request> request_of(const Document& params, const FileSystems& file_systems) {
  if (params.contains("ServerlessJobConfig") || params.contains("ModelPackageConfig"))
    return Error(ErrorKind::kInvalid, "Serverless model customization is not supported by this server.");
  jobs::Request request;
  JobSpec& spec = request.spec;
  describe_hosts(request, part(params, "ResourceConfig"));
  spec.role_arn = text(params, "RoleArn");
  describe_program(spec, params);
  describe_output(spec, params);
  for (const auto& channel : items(params, "InputDataConfig")) {
    TRY(auto described, channel_of(params, channel, spec.instance_groups, file_systems));
    spec.channels.push_back(std::move(described));
  }
  return request;
}

}  // namespace sagelet::sagemaker
