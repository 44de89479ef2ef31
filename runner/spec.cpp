#include "runner/spec.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "runner/fields.hpp"

namespace sagelet {
namespace {

using namespace fields;

constexpr std::array<std::string_view, 5> kPhases{"Starting", "Downloading", "Training", "Uploading",
                                                  "Finished"};
constexpr std::array<std::string_view, 5> kOutcomes{"None", "Completed", "Failed", "Stopped",
                                                    "MaxRuntimeExceeded"};

template <class Channel, class Visit>
void channel_fields(Channel& c, Visit& visit) {
  visit("name", c.name);
  visit("s3_uri", c.s3_uri);
  visit("data_type", c.data_type);
  visit("distribution", c.distribution);
  visit("input_mode", c.input_mode);
  visit("content_type", c.content_type);
  visit("compression", c.compression);
  visit("record_wrapper", c.record_wrapper);
  visit("attribute_names", c.attribute_names);
  visit("shuffle", c.shuffle);
  visit("shuffle_seed", c.shuffle_seed);
  visit("file_system_path", c.file_system_path);
  visit("file_system_read_only", c.file_system_read_only);
  visit("hosts", c.hosts);
}

template <class Group, class Visit>
void group_fields(Group& g, Visit& visit) {
  visit("name", g.name);
  visit("instance_type", g.instance_type);
  visit("hosts", g.hosts);
  visit("memory_limit", g.memory_limit);
  visit("gpus", g.gpus);
}

template <class Metric, class Visit>
void metric_fields(Metric& m, Visit& visit) {
  visit("name", m.name);
  visit("regex", m.regex);
}

template <class Value, class Visit>
void value_fields(Value& v, Visit& visit) {
  visit("name", v.name);
  visit("value", v.value);
  visit("time_ms", v.time_ms);
}

}  // namespace

static void to_json(Json& json, const ChannelSpec& value) {
  json = object_of(value, &channel_fields<const ChannelSpec, Writer>);
}
static void from_json(const Json& json, ChannelSpec& value) {
  Reader reader{json};
  channel_fields(value, reader);
}
static void to_json(Json& json, const InstanceGroup& value) {
  json = object_of(value, &group_fields<const InstanceGroup, Writer>);
}
static void from_json(const Json& json, InstanceGroup& value) {
  Reader reader{json};
  group_fields(value, reader);
}
static void to_json(Json& json, const MetricSpec& value) {
  json = object_of(value, &metric_fields<const MetricSpec, Writer>);
}
static void from_json(const Json& json, MetricSpec& value) {
  Reader reader{json};
  metric_fields(value, reader);
}
void to_json(Json& json, const MetricValue& value) {
  json = object_of(value, &value_fields<const MetricValue, Writer>);
}
void from_json(const Json& json, MetricValue& value) {
  Reader reader{json};
  value_fields(value, reader);
}

namespace {

template <std::size_t N>
std::size_t index_of(const std::array<std::string_view, N>& names, std::string_view name) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == name) return i;
  return N;
}

template <class Enum, std::size_t N>
void read_enum(const Json& json, const char* key, const std::array<std::string_view, N>& names, Enum& value) {
  const auto found = json.find(key);
  if (found == json.end()) return;
  const std::size_t index = index_of(names, found->template get_ref<const std::string&>());
  if (index == N) throw std::invalid_argument(std::string("unknown ") + key);
  value = static_cast<Enum>(index);
}

template <class Spec, class Visit>
void identity_fields(Spec& s, Visit& visit) {
  visit("job_id", s.job_id);
  visit("kind", s.kind);
  visit("name", s.name);
  visit("arn", s.arn);
  visit("account", s.account);
  visit("region", s.region);
  visit("server_url", s.server_url);
  visit("report_token", s.report_token);
  visit("access_key", s.access_key);
  visit("secret_key", s.secret_key);
  visit("session_token", s.session_token);
  visit("role_arn", s.role_arn);
  visit("credentials_expire_ms", s.credentials_expire_ms);
}

template <class Spec, class Visit>
void place_fields(Spec& s, Visit& visit) {
  visit("launcher", s.launcher);
  visit("shared_folder", s.shared_folder);
  visit("folder", s.folder);
  visit("pip_cache", s.pip_cache);
  visit("current_host", s.current_host);
  visit("hosts", s.hosts);
  visit("instance_type", s.instance_type);
  visit("group_name", s.group_name);
  visit("instance_groups", s.instance_groups);
  visit("cpus", s.cpus);
  visit("memory_limit", s.memory_limit);
}

template <class Spec, class Visit>
void program_fields(Spec& s, Visit& visit) {
  visit("sandbox", s.sandbox);
  visit("python", s.python);
  visit("image", s.image);
  visit("framework", s.framework);
  visit("script_mode", s.script_mode);
  visit("algorithm", s.algorithm);
  visit("docker_image", s.docker_image);
  visit("own_registry", s.own_registry);
  visit("docker_socket", s.docker_socket);
  visit("gpus", s.gpus);
  visit("entrypoint", s.entrypoint);
  visit("arguments", s.arguments);
  visit("hyperparameters", s.hyperparameters);
  visit("environment", s.environment);
  visit("host_environment", s.host_environment);
  visit("network_isolation", s.network_isolation);
  visit("warmpool_cache", s.warmpool_cache);
}

template <class Spec, class Visit>
void data_fields(Spec& s, Visit& visit) {
  visit("input_mode", s.input_mode);
  visit("channels", s.channels);
  visit("output_uri", s.output_uri);
  visit("output_compression", s.output_compression);
  visit("checkpoint_uri", s.checkpoint_uri);
  visit("checkpoint_path", s.checkpoint_path);
  visit("log_group", s.log_group);
  visit("log_stream", s.log_stream);
  visit("metrics", s.metrics);
  visit("max_runtime_seconds", s.max_runtime_seconds);
  visit("stop_grace_seconds", s.stop_grace_seconds);
  visit("log_spool_limit", s.log_spool_limit);
  visit("resumed", s.resumed);
  visit("stop_asked", s.stop_asked);
  visit("last_report", s.last_report);
}

template <class Spec, class Visit>
void spec_fields(Spec& s, Visit& visit) {
  identity_fields(s, visit);
  place_fields(s, visit);
  program_fields(s, visit);
  data_fields(s, visit);
}

template <class R, class Visit>
void report_fields(R& r, Visit& visit) {
  visit("job_id", r.job_id);
  visit("host", r.host);
  visit("number", r.number);
  visit("time_ms", r.time_ms);
  visit("message", r.message);
  visit("exit_code", r.exit_code);
  visit("failure_reason", r.failure_reason);
  visit("model_uri", r.model_uri);
  visit("training_start_ms", r.training_start_ms);
  visit("training_end_ms", r.training_end_ms);
  visit("metrics", r.metrics);
}

}  // namespace

std::string JobSpec::to_json() const {
  Writer writer;
  spec_fields(*this, writer);
  return text_of(writer.json);
}

Result<JobSpec> JobSpec::from_json(std::string_view text) {
  JobSpec spec;
  TRY(parse(text, "job spec", [&](const Json& json) {
    Reader reader{json};
    spec_fields(spec, reader);
  }));
  return spec;
}

std::string Report::to_json() const {
  Writer writer;
  report_fields(*this, writer);
  writer.json["phase"] = to_string(phase);
  writer.json["outcome"] = to_string(outcome);
  return text_of(writer.json);
}

Result<Report> Report::from_json(std::string_view text) {
  Report report;
  TRY(parse(text, "report", [&](const Json& json) {
    Reader reader{json};
    report_fields(report, reader);
    read_enum(json, "phase", kPhases, report.phase);
    read_enum(json, "outcome", kOutcomes, report.outcome);
  }));
  return report;
}

std::string_view to_string(Phase phase) {
  return kPhases[static_cast<std::size_t>(phase)];
}
std::string_view to_string(Outcome outcome) {
  return kOutcomes[static_cast<std::size_t>(outcome)];
}

}  // namespace sagelet
