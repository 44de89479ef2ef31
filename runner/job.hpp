#pragma once
// One job host, from spec to final report: what its steps share.
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/fs.hpp"
#include "runner/calls/cloudwatch.hpp"
#include "runner/calls/logs.hpp"
#include "runner/calls/reports.hpp"
#include "runner/calls/s3.hpp"
#include "runner/progress.hpp"
#include "runner/sandbox/memory_limit.hpp"
#include "runner/sandbox/process/process_sandbox.hpp"
#include "runner/spec.hpp"
#include "runner/steps/execute.hpp"
#include "runner/steps/metrics.hpp"
#include "runner/steps/reserve.hpp"
#include "runner/steps/usage.hpp"
#include "runner/stop.hpp"

namespace sagelet::runner {

class CheckpointSync;
class FastFile;
class Pipes;

struct Job {
  /// `before`: how far a runner before us got. No sandbox: the program has ended, or is other runners'.
  Job(JobSpec job_spec, const StopSignal& stop_signal, std::unique_ptr<Sandbox> job_sandbox,
      Progress before = {});
  ~Job();

  const JobSpec spec;
  const StopSignal& stop;
  const Server server;
  MemoryLimit memory;  ///< outlives the sandbox: a group with processes in it cannot be removed
  std::unique_ptr<Sandbox> sandbox;
  Metrics metrics;
  Reporter reports;
  LogSender log;
  Usage usage;
  MetricSender cloudwatch;
  S3 s3;  ///< calls end when the job is stopped
  DiskReserve reserve;
  std::unique_ptr<CheckpointSync> checkpoints;
  std::vector<std::unique_ptr<FastFile>> fast_files;
  std::unique_ptr<Pipes> pipes;  ///< of the channels in Pipe mode

  Progress progress;  ///< as it is on disk, once the program runs
  const std::int64_t started_ms;
  const SteadyTime deadline;  ///< MaxRuntimeInSeconds, all steps together

  std::string python;                              ///< of the job's overlay, the same path inside and outside
  std::string python_version;                      ///< "3.11"
  std::map<std::string, std::string> environment;  ///< of the container

  std::optional<int> exit_code;  ///< the container's, once it ended
  Why why = Why::kItself;
  bool lost = false;           ///< the sandbox died under the container
  bool out_of_memory = false;  ///< at the limit that the sandbox itself keeps
  bool disk_full = false;      ///< when the container ended
  bool one_of_many =
      false;  ///< of several hosts' runners: what it leaves is stored with the others' (hosts.hpp)
  bool sends_parts = false;  ///< and goes to the one that leads by S3 (slurm/parts.hpp)
  std::string model_uri;
  std::int64_t ended_ms = 0;

  fs::path folder() const { return spec.folder; }
  fs::path ml(std::string_view below = {}) const { return fs::path(spec.folder) / "ml" / below; }
  int cores() const;
  /// A line of ours among the job's own.
  void say(std::string_view line);
  void report(Phase phase, std::string message);
  /// From now on the job can be taken up, if we are killed.
  void keep_progress() const;
  /// How the program ended, on disk and back.
  void note_end();
  void recall_end();
};

}  // namespace sagelet::runner
