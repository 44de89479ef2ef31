#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/steps/steps.hpp"

namespace sagelet::runner {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json input_data_config(const JobSpec& spec) {
  Json config = Json::object();
  for (const ChannelSpec& channel : spec.channels) {
    Json& entry = config[channel.name];
    entry["TrainingInputMode"] = channel.input_mode.empty() ? spec.input_mode : channel.input_mode;
    entry["S3DistributionType"] = channel.distribution;
    entry["RecordWrapperType"] = channel.record_wrapper;
    if (!channel.content_type.empty()) entry["ContentType"] = channel.content_type;
  }
  return config;
}

Json groups_of(const JobSpec& spec) {
  Json groups = Json::array();
  const auto add = [&](const std::string& name, const std::string& type,
                       const std::vector<std::string>& hosts) {
    groups.push_back({{"instance_group_name", name}, {"instance_type", type}, {"hosts", hosts}});
  };
  for (const InstanceGroup& group : spec.instance_groups) add(group.name, group.instance_type, group.hosts);
  if (groups.empty()) add(spec.group_name, spec.instance_type, spec.hosts);
  return groups;
}

/// The group of the current host.
std::pair<std::string, std::string> own_group(const JobSpec& spec) {
  for (const InstanceGroup& group : spec.instance_groups)
    if (std::ranges::find(group.hosts, spec.current_host) != group.hosts.end())
      return {group.name, group.instance_type};
  return {spec.group_name, spec.instance_type};
}

Json resource_config(const JobSpec& spec, const Sandbox& sandbox) {
  auto hosts = spec.hosts;
  std::ranges::sort(hosts);  // as text, as the service does
  const auto [group, type] = own_group(spec);
  return {{"current_host", spec.current_host},  {"current_instance_type", type},
          {"current_group_name", group},        {"hosts", hosts},
          {"instance_groups", groups_of(spec)}, {"network_interface_name", sandbox.interface_name()}};
}

/// A container has the folder mounted; in our own sandbox a link does.
Status lay_warm_pool(Job& job) {
  if (job.spec.warmpool_cache.empty()) return {};
  TRY(make_folders(job.ml("sagemaker")));
  if (job.sandbox->is_container()) return {};
  std::error_code error;
  fs::create_directory_symlink(job.spec.warmpool_cache, job.ml("sagemaker/warmpoolcache"), error);
  if (error && error != std::errc::file_exists)
    return Error(ErrorKind::kIo, "the warm pool's folder: " + error.message());
  return {};
}

}  // namespace

Status lay_out(Job& job) {
  job.reserve.keep(job.folder());
  for (const char* folder : {"input/config", "input/data", "model", "output/data", "output/metrics/sagemaker",
                             "code", "checkpoints"})
    TRY(make_folders(job.ml(folder)));
  for (const ChannelSpec& channel : job.spec.channels) TRY(make_folders(job.ml("input/data") / channel.name));
  TRY(lay_warm_pool(job));
  const fs::path config = job.ml("input/config");
  TRY(write_file(config / "hyperparameters.json", text_of(Json(job.spec.hyperparameters))));
  TRY(write_file(config / "inputdataconfig.json", text_of(input_data_config(job.spec))));
  return write_file(config / "resourceconfig.json", text_of(resource_config(job.spec, *job.sandbox)));
}

}  // namespace sagelet::runner
