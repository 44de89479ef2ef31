#include <cstdlib>
#include <map>

#include "runner/steps/conda.hpp"
#include "runner/steps/steps.hpp"

namespace sagelet::runner {
namespace {

using Variables = std::map<std::string, std::string>;

/// pip's settings that would send packages elsewhere than into the job's own environment.
constexpr const char* kPipElsewhere[] = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON",
                                         "PIP_REQUIRE_VIRTUALENV"};

/// Which devices Slurm has given to the job.
constexpr const char* kDevices[] = {"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                    "GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK"};

void add_own(Job& job, Variables& to) {
  for (const char* name : {"HOME", "USER", "LOGNAME", "TZ", "LD_LIBRARY_PATH"})
    if (const char* value = std::getenv(name)) to[name] = value;
  for (const char* name : kDevices)
    if (const char* value = std::getenv(name); value && job.spec.on_node()) to[name] = value;
  const char* path = std::getenv("PATH");
  to["PATH"] = path ? path : "/usr/local/bin:/usr/bin:/bin";
  if (!job.python.empty()) to["PATH"] = (job.folder() / "env/bin").string() + ":" + to["PATH"];
  to["LANG"] = "C.UTF-8";
  to["PYTHONUNBUFFERED"] = "1";
  to["PYTHONIOENCODING"] = "UTF-8";
  to["PYTHONDONTWRITEBYTECODE"] = "1";  // the parent's folders are shared
}

void add_handed_on(const JobSpec& spec, Variables& to) {
  for (const std::string& line : spec.host_environment)
    if (const auto equals = line.find('='); equals != line.npos)
      to[line.substr(0, equals)] = line.substr(equals + 1);
  // Collectives (gRPC) obey the proxy variables, and the proxy does not know the job's hosts.
  for (const char* name : {"NO_PROXY", "no_proxy"})
    for (const std::string& host : spec.hosts)
      if (spec.hosts.size() > 1) to[name] += (to[name].empty() ? "" : ",") + host;
}

/// /tmp is the job's own where there are mounts; else what asks for a temporary folder gets one of the job's.
void add_scratch(Job& job, Variables& to) {
  to.erase("TMPDIR");
  if (!job.sandbox->has_mounts()) to["TMPDIR"] = (job.folder() / "tmp").string();
}

void add_pip(const JobSpec& spec, Variables& to) {
  for (const char* name : kPipElsewhere) to.erase(name);
  to["PIP_USER"] = "0";
  to["PIP_DISABLE_PIP_VERSION_CHECK"] = "1";
  to["PIP_ROOT_USER_ACTION"] = "ignore";
  to["PIP_NO_INPUT"] = "1";
  if (!spec.pip_cache.empty()) to["PIP_CACHE_DIR"] = spec.pip_cache;
}

/// SDKs take credentials from a URI by plain HTTP only where it is a loopback address.
void add_credentials(const JobSpec& spec, Variables& to) {
  if (spec.on_node()) {
    to["AWS_ACCESS_KEY_ID"] = spec.access_key;
    to["AWS_SECRET_ACCESS_KEY"] = spec.secret_key;
    to["AWS_SESSION_TOKEN"] = spec.session_token;
    return;
  }
  to["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = spec.server_url + "/_sagelet/credentials/" + spec.access_key;
  to["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = spec.session_token;
}

void add_platform(Job& job, Variables& to) {
  const JobSpec& spec = job.spec;
  to["TRAINING_JOB_NAME"] = spec.name;
  to["TRAINING_JOB_ARN"] = spec.arn;
  to["AWS_REGION"] = to["AWS_DEFAULT_REGION"] = spec.region;
  to["AWS_EXECUTION_ENV"] = "AWS_ECS_EC2";
  to["AWS_ENDPOINT_URL"] = to["S3_ENDPOINT_URL"] = spec.server_url;
  add_credentials(spec, to);
  // A container has no files of its user's: the job's role speaks, not the caller's profile.
  to["AWS_SHARED_CREDENTIALS_FILE"] = to["AWS_CONFIG_FILE"] = "/dev/null";
  to["AWS_EC2_METADATA_DISABLED"] = "true";
  to["SAGEMAKER_METRICS_DIRECTORY"] = job.sandbox->base() + "/output/metrics/sagemaker";
  to["HOSTNAME"] = spec.current_host;
  to["OMP_NUM_THREADS"] = std::to_string(job.cores());
  if (job.sandbox->base() != "/opt/ml") to["SAGEMAKER_BASE_DIR"] = job.sandbox->base();
}

/// What a framework's image sets: the module that its `train` would call.
void add_framework(const JobSpec& spec, Variables& to) {
  static const std::map<std::string, std::string> kModules{
      {"scikit-learn", "sagemaker_sklearn_container.training:main"},
      {"sklearn", "sagemaker_sklearn_container.training:main"},
      {"pytorch", "sagemaker_pytorch_container.training:main"},
      {"huggingface", "sagemaker_pytorch_container.training:main"},
      {"huggingface-pytorch", "sagemaker_pytorch_container.training:main"},
      {"tensorflow", "sagemaker_tensorflow_container.training:main"},
      {"huggingface-tensorflow", "sagemaker_tensorflow_container.training:main"},
      {"xgboost", "sagemaker_xgboost_container.training:main"},
      {"mxnet", "sagemaker_mxnet_container.training:main"},
      {"chainer", "sagemaker_chainer_container.training:main"}};
  if (const auto found = kModules.find(spec.framework); found != kModules.end() && spec.script_mode) {
    to["SAGEMAKER_TRAINING_MODULE"] = found->second;
    if (!std::string_view(found->second).starts_with("sagemaker_pytorch")) return;
    to["MASTER_ADDR"] = spec.hosts.front();  // for torch.distributed's env:// of a script that starts itself
    to["MASTER_PORT"] = "7777";
  }
}

}  // namespace

Status set_environment(Job& job) {
  if (job.sandbox->is_container()) return {};  // it has the image's, and what the sandbox puts on top
  Variables& environment = job.environment;
  add_own(job, environment);
  add_handed_on(job.spec, environment);
  add_scratch(job, environment);
  add_pip(job.spec, environment);
  if (!job.python.empty()) keep_environments_in(job.folder() / "env/conda", environment);
  if (!job.spec.warmpool_cache.empty())
    environment["SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY"] =
        job.sandbox->base() + "/sagemaker/warmpoolcache";
  add_platform(job, environment);
  add_framework(job.spec, environment);
  for (const auto& [name, value] : job.spec.environment) environment[name] = value;
  return {};
}

}  // namespace sagelet::runner
