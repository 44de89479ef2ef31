#include "server/services/sagemaker/training_rules.hpp"

#include <algorithm>
#include <set>

#include "fmt/format.h"
#include "server/services/sagemaker/request_parts.hpp"
#include "server/services/sagemaker/training_request.hpp"

namespace sagelet::sagemaker {

namespace {

constexpr std::int64_t kDefaultRuntime = 86400;
constexpr std::int64_t kLongestRuntime = 28 * 86400;
/// Each is a process or a container of this machine.
constexpr std::int64_t kMostHosts = 100;

api::Error invalid(std::string message) {
  return api::Error::make("ValidationException", std::move(message));
}

Reply<void> refuse_algorithm(const Document& params) {
  if (params.contains("ServerlessJobConfig") || params.contains("ModelPackageConfig")) return {};
  if (!params.contains("AlgorithmSpecification"))
    return invalid(
        "1 validation error detected: Value null at 'algorithmSpecification' failed to satisfy constraint: "
        "Member must not be null");
  const auto& algorithm = part(params, "AlgorithmSpecification");
  if (algorithm.contains("TrainingImage") == algorithm.contains("AlgorithmName"))
    return invalid(
        "You must specify either TrainingImage or AlgorithmName in AlgorithmSpecification, and not both.");
  return {};
}

Reply<void> refuse_limits(const Document& params) {
  const auto& limits = part(params, "StoppingCondition");
  const bool spot = params.value("EnableManagedSpotTraining", false);
  const std::int64_t runtime = number(limits, "MaxRuntimeInSeconds", kDefaultRuntime);
  if (runtime > kLongestRuntime)
    return invalid(fmt::format("MaxRuntimeInSeconds {} is longer than the maximum of {} seconds (28 days).",
                               runtime, kLongestRuntime));
  if (spot && number(limits, "MaxWaitTimeInSeconds") < runtime)
    return invalid(
        "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
        "MaxRuntimeInSeconds");
  if (!spot && limits.contains("MaxWaitTimeInSeconds"))
    return invalid(
        "Invalid MaxWaitTimeInSeconds. It can be specified only when EnableManagedSpotTraining is true");
  return {};
}

Reply<void> refuse_warm_pool(const Document& params) {
  const auto& resources = part(params, "ResourceConfig");
  if (number(resources, "KeepAlivePeriodInSeconds") == 0) return {};
  if (params.value("EnableManagedSpotTraining", false))
    return invalid("KeepAlivePeriodInSeconds is not supported with managed spot training.");
  if (!items(resources, "InstanceGroups").empty())
    return invalid("KeepAlivePeriodInSeconds is not supported with InstanceGroups.");
  return {};
}

Reply<void> refuse_groups(const Document& groups) {
  std::set<std::string> names;
  for (const auto& group : groups) {
    const std::string name = text(group, "InstanceGroupName");
    if (!names.insert(name).second)
      return invalid(fmt::format("Duplicate InstanceGroupName '{}' in InstanceGroups.", name));
    if (number(group, "InstanceCount") < 1)
      return invalid(fmt::format("InstanceCount of the instance group '{}' must be at least 1.", name));
  }
  return {};
}

std::int64_t hosts_of(const Document& resources) {
  std::int64_t count = number(resources, "InstanceCount");
  for (const auto& choice : items(resources, "InstancePreferences"))
    count = std::max(count, number(choice, "InstanceCount"));
  for (const auto& group : items(resources, "InstanceGroups")) count += number(group, "InstanceCount");
  return count;
}

Reply<void> refuse_too_many_hosts(const Document& resources) {
  const auto hosts = hosts_of(resources);
  if (hosts <= kMostHosts) return {};
  return api::Error::make(
      "ResourceLimitExceeded",
      fmt::format(
          "The account-level service limit '{} for training job usage' is {} Instances, with current "
          "utilization of 0 Instances and a request delta of {} Instances. Please contact AWS support "
          "to request an increase for this limit.",
          text(resources, "InstanceType", "Number of instances"), kMostHosts, hosts));
}

Reply<void> refuse_resources(const Document& params) {
  if (params.contains("ServerlessJobConfig")) return {};
  const auto& resources = part(params, "ResourceConfig");
  const auto& groups = items(resources, "InstanceGroups");
  const bool flexible = !items(resources, "InstancePreferences").empty();
  if (!groups.empty() &&
      (resources.contains("InstanceType") || resources.contains("InstanceCount") || flexible))
    return invalid(
        "You cannot specify InstanceGroups together with InstanceType, InstanceCount or InstancePreferences "
        "in "
        "ResourceConfig.");
  if (groups.empty() && !flexible &&
      (!resources.contains("InstanceType") || number(resources, "InstanceCount") < 1))
    return invalid(
        "You must specify either InstanceType and InstanceCount (at least 1) or InstanceGroups in "
        "ResourceConfig.");
  TRY(refuse_groups(groups));
  return refuse_too_many_hosts(resources);
}

Reply<void> refuse_s3_channel(const Document& source, const std::string& name, const std::string& mode) {
  const std::string type = text(source, "S3DataType");
  const bool augmented = type == "AugmentedManifestFile";
  if (augmented && mode != "Pipe")
    return invalid(
        fmt::format("Channel {}: AugmentedManifestFile is supported with the Pipe input mode only.", name));
  if (augmented && items(source, "AttributeNames").empty())
    return invalid(fmt::format("Channel {}: AttributeNames must be given for AugmentedManifestFile.", name));
  if (!augmented && !items(source, "AttributeNames").empty())
    return invalid(
        fmt::format("Channel {}: AttributeNames can be given for AugmentedManifestFile only.", name));
  if (mode == "FastFile" && type != "S3Prefix")
    return invalid(
        fmt::format("Channel {}: the FastFile input mode is supported with S3DataType S3Prefix only.", name));
  return {};
}

/// What needs a pipe.
Reply<void> refuse_stream_options(const Document& channel, const std::string& name, const std::string& mode) {
  if (mode == "Pipe") return {};
  for (const char* member : {"CompressionType", "RecordWrapperType"})
    if (const std::string value = text(channel, member, "None"); value != "None")
      return invalid(fmt::format("Channel {}: {} {} is supported with the Pipe input mode only, not with {}.",
                                 name, member, value, mode));
  return {};
}

Reply<void> refuse_groups_of(const Document& params, const Document& source, const std::string& name) {
  const auto& groups = items(part(params, "ResourceConfig"), "InstanceGroups");
  for (const std::string wanted : items(source, "InstanceGroupNames"))
    if (std::ranges::none_of(
            groups, [&](const Document& group) { return text(group, "InstanceGroupName") == wanted; }))
      return invalid(
          fmt::format("Channel {}: there is no instance group '{}' in ResourceConfig.", name, wanted));
  return {};
}

Reply<void> refuse_channel(const Document& params, const Document& channel) {
  const std::string name = text(channel, "ChannelName"), mode = mode_of(params, channel);
  const auto& source = part(channel, "DataSource");
  if (source.size() != 1)
    return invalid(fmt::format("Channel {}: DataSource must have exactly one kind of source.", name));
  TRY(refuse_stream_options(channel, name, mode));
  if (source.contains("S3DataSource")) {
    TRY(refuse_s3_channel(source["S3DataSource"], name, mode));
    return refuse_groups_of(params, source["S3DataSource"], name);
  }
  if (!source.contains("FileSystemDataSource")) return {};
  if (mode != "File")
    return invalid(
        fmt::format("Channel {}: FileSystemDataSource is supported with the File input mode only.", name));
  if (!params.contains("VpcConfig"))
    return invalid(fmt::format("Channel {}: VpcConfig must be given with a FileSystemDataSource.", name));
  return {};
}

Reply<void> refuse_channels(const Document& params) {
  std::set<std::string> names;
  for (const auto& channel : items(params, "InputDataConfig")) {
    const std::string name = text(channel, "ChannelName");
    if (!names.insert(name).second)
      return invalid(fmt::format("Duplicate channel name '{}' in InputDataConfig.", name));
    TRY(refuse_channel(params, channel));
  }
  return {};
}

}  // namespace

Reply<void> refuse_nonsense(const Document& params) {
  TRY(refuse_algorithm(params));
  TRY(refuse_limits(params));
  TRY(refuse_resources(params));
  TRY(refuse_warm_pool(params));
  return refuse_channels(params);
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
          "exists in the selected region ({}), that objects exist under that S3 prefix, and that the role "
          "\"{}\" has \"s3:ListBucket\" permissions on bucket \"{}\".",
          uri, region, text(params, "RoleArn"), place ? place->bucket : ""));
  }
  return {};
}

}  // namespace sagelet::sagemaker
