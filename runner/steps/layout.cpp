#include <net/if.h>

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

/// Libraries bind to the interface they are told, so it must be one that exists.
const char* interface_name() {
  return ::if_nametoindex("eth0") != 0 ? "eth0" : "lo";
}

Json resource_config(const JobSpec& spec) {
  const Json group = {
      {"instance_group_name", spec.group_name}, {"instance_type", spec.instance_type}, {"hosts", spec.hosts}};
  return {{"current_host", spec.current_host},       {"current_instance_type", spec.instance_type},
          {"current_group_name", spec.group_name},   {"hosts", spec.hosts},
          {"instance_groups", Json::array({group})}, {"network_interface_name", interface_name()}};
}

}  // namespace

Status lay_out(Job& job) {
  for (const char* folder : {"input/config", "input/data", "model", "output/data", "output/metrics/sagemaker",
                             "code", "checkpoints"})
    TRY(make_folders(job.ml(folder)));
  for (const ChannelSpec& channel : job.spec.channels) TRY(make_folders(job.ml("input/data") / channel.name));
  const fs::path config = job.ml("input/config");
  TRY(write_file(config / "hyperparameters.json", text_of(Json(job.spec.hyperparameters))));
  TRY(write_file(config / "inputdataconfig.json", text_of(input_data_config(job.spec))));
  return write_file(config / "resourceconfig.json", text_of(resource_config(job.spec)));
}

}  // namespace sagelet::runner
