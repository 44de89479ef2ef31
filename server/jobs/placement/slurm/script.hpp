#pragma once
// What a job is to Slurm: the words of sbatch and the batch script.
#include <string>
#include <vector>

#include "runner/spec.hpp"
#include "server/jobs/placement/slurm/settings.hpp"

namespace sagelet::jobs::slurm {

/// Exit codes of the batch script where the runner could not be started.
inline constexpr int kNoFolder = 73, kNoRunner = 69;

/// What Slurm is asked for on each node.
struct Wanted {
  int cpus = 1;
  std::uint64_t memory = 0;  ///< bytes; 0: the partition's default
  std::string gres, partition;
  std::vector<std::string> options;
};
/// `cores_per_job` and `memory_per_job` above 0 hold for every type, as for local jobs.
Wanted wanted(const Settings& settings, const JobSpec& spec, double cores_per_job,
              std::uint64_t memory_per_job);

/// The runner lives in the same memory: the program is told before Slurm kills all.
std::uint64_t memory_for_program(const Wanted& wanted);

/// The job's folder on its nodes.
std::string folder_on_nodes(const Settings& settings, const std::string& job_id);

std::vector<std::string> sbatch_words(const JobSpec& spec, const Wanted& wanted, const std::string& comment);
std::string comment_of(const JobSpec& spec);

/// Where the runner is on the nodes. One that is sent is a file a job: the cluster cannot replace a program
/// that runs.
std::string runner_on_nodes(const Settings& settings, const std::string& job_id);
/// A file beside it, sent when the runner is whole on every node.
std::string arrival_of(const std::string& runner);

/// `spec` as the runner is to have it. With a shared folder its spec.json is there already.
std::string batch_script(const Settings& settings, const JobSpec& spec, const std::string& runner);

/// What the batch script finds: little of ours, and Slurm's own.
std::vector<std::string> submission_environment(const JobSpec& spec);

/// As one word of a shell.
std::string as_word(std::string_view text);

}  // namespace sagelet::jobs::slurm
