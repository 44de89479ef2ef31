#include "server/services/sagemaker/training_request.hpp"

#include <array>
#include <set>

#include "fmt/format.h"
#include "server/resources/plain.hpp"

namespace sagelet::sagemaker {

namespace {

const Document kNothing = Document::object();
const Document kNoItems = Document::array();

const Document& part(const Document& object, const char* member) {
  const auto found = object.find(member);
  return found == object.end() ? kNothing : *found;
}

const Document& items(const Document& object, const char* member) {
  const auto found = object.find(member);
  return found == object.end() ? kNoItems : *found;
}

std::string text(const Document& object, const char* member, std::string otherwise = "") {
  const auto found = object.find(member);
  return found == object.end() ? otherwise : found->get<std::string>();
}

api::Error invalid(std::string message) {
  return api::Error::make("ValidationException", std::move(message));
}

Reply<void> refuse_nonsense_algorithm(const Document& params) {
  if (params.contains("ServerlessJobConfig") || params.contains("ModelPackageConfig")) return {};
  if (!params.contains("AlgorithmSpecification"))
    return invalid(
        "1 validation error detected: Value null at 'algorithmSpecification' failed to satisfy constraint: "
        "Member must "
        "not be null");
  const auto& algorithm = part(params, "AlgorithmSpecification");
  if (algorithm.contains("TrainingImage") == algorithm.contains("AlgorithmName"))
    return invalid(
        "You must specify either TrainingImage or AlgorithmName in AlgorithmSpecification, and not both.");
  return {};
}

Reply<void> refuse_nonsense_limits(const Document& params) {
  const auto& limits = part(params, "StoppingCondition");
  if (!params.value("EnableManagedSpotTraining", false)) return {};
  const std::int64_t runtime = limits.value("MaxRuntimeInSeconds", std::int64_t{86400});
  if (limits.value("MaxWaitTimeInSeconds", std::int64_t{0}) < runtime)
    return invalid(
        "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
        "MaxRuntimeInSeconds");
  return {};
}

std::string mode_of(const Document& params, const Document& channel) {
  return text(channel, "InputMode",
              text(part(params, "AlgorithmSpecification"), "TrainingInputMode", "File"));
}

std::int64_t instance_count(const Document& params) {
  const auto& resources = part(params, "ResourceConfig");
  std::int64_t count = resources.value("InstanceCount", std::int64_t{0});
  for (const auto& group : items(resources, "InstanceGroups"))
    count += group.value("InstanceCount", std::int64_t{0});
  return std::max<std::int64_t>(count, 1);
}

std::optional<std::string> channel_not_runnable(const Document& params, const Document& channel) {
  const std::string name = text(channel, "ChannelName");
  const std::string mode = mode_of(params, channel);
  if (mode != "File" && mode != "FastFile")
    return fmt::format(
        "ClientError: Channel {}: input mode {} is not supported by this server yet (File and FastFile are).",
        name, mode);
  const auto& source = part(channel, "DataSource");
  if (!source.contains("S3DataSource"))
    return fmt::format("ClientError: Channel {}: this server reads input from S3 only.", name);
  const std::string type = text(part(source, "S3DataSource"), "S3DataType");
  if (type != "S3Prefix")
    return fmt::format(
        "ClientError: Channel {}: S3DataType {} is not supported by this server yet (S3Prefix is).", name,
        type);
  return std::nullopt;
}

ChannelSpec channel_of(const Document& params, const Document& channel) {
  const auto& source = part(part(channel, "DataSource"), "S3DataSource");
  return {.name = text(channel, "ChannelName"),
          .s3_uri = text(source, "S3Uri"),
          .data_type = text(source, "S3DataType", "S3Prefix"),
          .distribution = text(source, "S3DataDistributionType", "FullyReplicated"),
          .input_mode = mode_of(params, channel),
          .content_type = text(channel, "ContentType"),
          .compression = text(channel, "CompressionType", "None"),
          .record_wrapper = text(channel, "RecordWrapperType", "None")};
}

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

void describe_data(JobSpec& spec, const Document& params) {
  for (const auto& channel : items(params, "InputDataConfig"))
    spec.channels.push_back(channel_of(params, channel));
  const auto& output = part(params, "OutputDataConfig");
  spec.output_uri = text(output, "S3OutputPath");
  spec.output_compression = text(output, "CompressionType", "GZIP");
  const auto& checkpoints = part(params, "CheckpointConfig");
  spec.checkpoint_uri = text(checkpoints, "S3Uri");
  spec.checkpoint_path = text(checkpoints, "LocalPath", spec.checkpoint_path);
  spec.max_runtime_seconds =
      part(params, "StoppingCondition").value("MaxRuntimeInSeconds", spec.max_runtime_seconds);
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

Reply<void> refuse_nonsense(const Document& params) {
  TRY(refuse_nonsense_algorithm(params));
  TRY(refuse_nonsense_limits(params));
  std::set<std::string> names;
  for (const auto& channel : items(params, "InputDataConfig"))
    if (!names.insert(text(channel, "ChannelName")).second)
      return invalid(
          fmt::format("Duplicate channel name '{}' in InputDataConfig.", text(channel, "ChannelName")));
  return {};
}

Reply<void> refuse_missing_data(const Document& params, ObjectsView& objects, const AccountId& account,
                                std::string_view region) {
  for (const auto& channel : items(params, "InputDataConfig")) {
    const auto& source = part(part(channel, "DataSource"), "S3DataSource");
    if (source.empty()) continue;
    const std::string uri = text(source, "S3Uri");
    const auto place = S3Uri::parse(uri);
    const bool there = place && objects.any_under(account, place->bucket, place->prefix).value_or(false);
    if (!there)
      return invalid(fmt::format(
          "No S3 objects found under S3 URL \"{}\" given in input data source. Please ensure that the bucket "
          "exists in "
          "the selected region ({}), that objects exist under that S3 prefix, and that the role \"{}\" has "
          "\"s3:ListBucket\" permissions on bucket \"{}\".",
          uri, region, text(params, "RoleArn"), place ? place->bucket : ""));
  }
  return {};
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

std::optional<std::string> not_runnable(const Document& params) {
  if (params.contains("ServerlessJobConfig") || params.contains("ModelPackageConfig"))
    return "ClientError: Serverless model customization is not supported by this server.";
  if (const auto count = instance_count(params); count > 1)
    return fmt::format(
        "ClientError: This server runs a training job on one host; the job asks for {} instances.", count);
  for (const auto& channel : items(params, "InputDataConfig"))
    if (auto why = channel_not_runnable(params, channel)) return why;
  return std::nullopt;
}

jobs::Request request_of(const Document& params) {
  jobs::Request request;
  const auto& resources = part(params, "ResourceConfig");
  request.instance_type = text(resources, "InstanceType");
  for (const auto& group : items(resources, "InstanceGroups")) {
    request.instance_type = text(group, "InstanceType");
    request.spec.group_name = text(group, "InstanceGroupName", request.spec.group_name);
  }
  if (request.instance_type.empty()) request.instance_type = "ml.m5.large";
  request.instance_count = static_cast<int>(instance_count(params));
  request.spec.instance_type = request.instance_type;
  request.spec.role_arn = text(params, "RoleArn");
  describe_program(request.spec, params);
  describe_data(request.spec, params);
  return request;
}

}  // namespace sagelet::sagemaker
