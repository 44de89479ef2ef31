#pragma once
// Slurm's command line: child processes with a deadline. Blocks; called from the placement's own thread.
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "server/jobs/placement/slurm/answers.hpp"

namespace sagelet::jobs::slurm {

/// Errors are of the kinds of refusal(); kTimeout where a command did not come back.
class Commands {
 public:
  virtual ~Commands() = default;
  /// kNotFound: one is not installed.
  virtual Status probe() = 0;
  /// Slurm's number of the new job.
  virtual Result<std::string> submit(const std::vector<std::string>& words, const std::string& script,
                                     const std::vector<std::string>& environment) = 0;
  /// All jobs of this user that Slurm knows, ended ones too.
  virtual Result<std::vector<Listed>> list() = 0;
  virtual Result<bool> has_node_up(const std::string& partition) = 0;
  virtual Result<Shown> show(const std::string& id) = 0;
  /// SIGTERM for the batch script's own process, which is the runner.
  virtual Status terminate(const std::string& id) = 0;
  /// Those that have not started; others are left alone.
  virtual Status cancel_waiting(const std::vector<std::string>& ids) = 0;
  /// SIGKILL for all of them.
  virtual Status kill(const std::vector<std::string>& ids) = 0;
  /// A file to every node of a job that runs.
  virtual Status send(const std::string& id, const std::string& file, const std::string& place) = 0;
};

std::unique_ptr<Commands> make_commands();

/// What keeps them from working on this machine, for people; none: nothing. Asks slurmctld.
std::vector<std::string> troubles(const std::string& partition);
}  // namespace sagelet::jobs::slurm
