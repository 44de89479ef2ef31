#pragma once
// What a runner needs (JobSpec) and what it says (Report): plain data, JSON both ways. Shared by server/jobs
// and the runner; the files spec.json and reports/*.json in a job's folder hold exactly this
// (docs/formats/job-folder.md).
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace sagelet {

struct ChannelSpec {
  std::string name;
  std::string s3_uri;
  std::string data_type = "S3Prefix";
  std::string distribution = "FullyReplicated";
  std::string input_mode = "File";
  std::string content_type;  ///< empty: not given
  std::string compression = "None";
  std::string record_wrapper = "None";
  std::vector<std::string> attribute_names;  ///< of an AugmentedManifestFile, in order
  bool shuffle = false;
  std::uint64_t shuffle_seed = 0;
  std::string
      file_system_path;  ///< a local folder that is the channel (FileSystemDataSource); s3_uri is empty
  bool file_system_read_only = true;
  std::vector<std::string> hosts;  ///< that get the channel (InstanceGroupNames); empty: all
};

/// Of a heterogeneous cluster. Hosts are numbered across groups.
struct InstanceGroup {
  std::string name, instance_type;
  std::vector<std::string> hosts;
  std::uint64_t memory_limit = 0;  ///< of each host; 0: the job's
  int gpus = 0;
};

struct MetricSpec {
  std::string name;
  std::string regex;
};

struct JobSpec {
  // who
  std::string job_id;  ///< ours, unguessable, names the folder
  std::string kind = "training";
  std::string name, arn, account, region;
  // how it reaches the server
  std::string server_url;    ///< http://127.0.0.1:4577, as seen from the runner
  std::string report_token;  ///< for /_sagelet/reports
  std::string access_key, secret_key, session_token, role_arn;
  std::int64_t credentials_expire_ms = 0;
  // where
  /// fork: all hosts are on the server's machine. srun: the job is Slurm's, its runner is on a node that
  /// shares nothing with the server but the network, and starts those of further hosts by srun.
  std::string launcher = "fork";
  bool shared_folder = false;  ///< with srun: all nodes have `folder` under that path, and it is one folder
  std::string folder;          ///< the job's folder on this host; ml/ in it becomes /opt/ml
  std::string pip_cache;       ///< shared by jobs
  std::string current_host = "algo-1";
  std::vector<std::string> hosts{"algo-1"};
  std::string instance_type, group_name = "homogeneousCluster";
  std::vector<InstanceGroup> instance_groups;  ///< empty: one homogeneous cluster
  std::vector<int> cpus;                       ///< affinity; empty: all
  std::uint64_t memory_limit = 0;              ///< bytes; 0: none
  // what runs
  std::string sandbox = "process";  ///< process | docker
  std::string python;               ///< interpreter of the process sandbox
  std::string image;                ///< as the request has it
  std::string framework;            ///< scikit-learn, pytorch, ...: SM_FRAMEWORK_MODULE and friends
  bool script_mode = true;          ///< false: entrypoint/arguments are run as given
  std::string algorithm;            ///< a built-in algorithm that runs where there is no script: "xgboost"
  std::string docker_image;         ///< what the engine knows the image as (sandbox docker)
  bool own_registry = false;        ///< docker_image is our server's: its login is the job's own keys
  std::string docker_socket;        ///< of the engine; empty: its default
  int gpus = 0;                     ///< devices of the engine that the instance type asks for
  std::vector<std::string> entrypoint, arguments;
  std::map<std::string, std::string> hyperparameters;
  std::map<std::string, std::string> environment;
  std::vector<std::string> host_environment;  ///< "PIP_INDEX_URL=..." handed on from the server's environment
  bool network_isolation = false;
  std::string warmpool_cache;  ///< a folder kept between matching jobs; empty: no warm pool
  // data
  std::string input_mode = "File";
  std::vector<ChannelSpec> channels;
  std::string output_uri;  ///< OutputDataConfig.S3OutputPath; <output_uri>/<name>/output/model.tar.gz
  std::string output_compression = "GZIP";
  std::string checkpoint_uri, checkpoint_path = "/opt/ml/checkpoints";  ///< uri empty: none
  // watching
  std::string log_group, log_stream;  ///< stream: <job>/algo-1-<epoch seconds>
  std::vector<MetricSpec> metrics;
  // limits
  std::int64_t max_runtime_seconds = 86400;
  std::int64_t stop_grace_seconds = 120;
  std::uint64_t log_spool_limit = 1ull << 30;  ///< bytes of unacknowledged log kept on disk
  // of a job that another runner takes up after the first was killed (progress.hpp)
  bool resumed = false;
  bool stop_asked = false;        ///< before this runner was there
  std::uint64_t last_report = 0;  ///< the server has all up to this one

  bool on_node() const { return launcher == "srun"; }
  std::string to_json() const;
  static Result<JobSpec> from_json(std::string_view text);
};

/// Steps of a job as its runner sees them. Values are the words on the wire.
enum class Phase { kStarting, kDownloading, kTraining, kUploading, kFinished };

enum class Outcome { kNone, kCompleted, kFailed, kStopped, kMaxRuntimeExceeded };

struct MetricValue {
  std::string name;
  double value = 0;
  std::int64_t time_ms = 0;
};

/// Numbered from 1 per host; may be sent twice. The runner writes each to reports/ before it sends it.
struct Report {
  std::string job_id;
  std::string host;
  std::uint64_t number = 0;
  std::int64_t time_ms = 0;
  Phase phase = Phase::kStarting;
  std::string message;  ///< StatusMessage when not empty
  // with kFinished
  Outcome outcome = Outcome::kNone;
  int exit_code = 0;
  std::string failure_reason;  ///< AWS's form: "AlgorithmError: ..., exit code: 1"
  std::string model_uri;       ///< where model.tar.gz went; empty: nowhere
  std::int64_t training_start_ms = 0, training_end_ms = 0;
  std::vector<MetricValue> metrics;  ///< the last value of each

  std::string to_json() const;
  static Result<Report> from_json(std::string_view text);
};

std::string_view to_string(Phase phase);
std::string_view to_string(Outcome outcome);

}  // namespace sagelet
