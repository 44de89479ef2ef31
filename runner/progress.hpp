#pragma once
// How far a host's program is, in the host's folder: what another runner needs that takes the job up after
// the first was killed (docs/formats/job-folder.md, docs/decisions/0016-a-killed-runners-job-is-taken-up.md).
#include <cstdint>
#include <string>
#include <vector>

#include "base/fs.hpp"
#include "runner/spec.hpp"

namespace sagelet {

struct Progress {
  std::int64_t started_ms = 0;  ///< from here on MaxRuntimeInSeconds counts
  int taken_up = 0;             ///< how often another runner has taken the job up
  std::string sandbox;          ///< what the sandbox needs to find the running program again; its own words
  std::string checkpoints;      ///< the folder whose changes go to S3; empty: none
  int why = 0;                  ///< runner::Why: who asked the program to end

  // since its end, when all that it printed is in the spool
  bool ended = false;
  int exit_code = 0;  ///< as a container's
  bool out_of_memory = false, disk_full = false;
  std::int64_t ended_ms = 0;
  std::string python, python_version;  ///< for hints in the FailureReason
  std::vector<MetricValue> metrics;

  std::string to_json() const;
  static Result<Progress> from_json(std::string_view text);

  /// progress.json of a host's folder. kNotFound: it has got nowhere from which it could go on.
  static Result<Progress> read(const fs::path& folder);
  Status write(const fs::path& folder) const;
};

/// What a job whose runner is dead can be made of.
enum class TakeUp {
  kNo,         ///< its program was not at its end, and died with the runner
  kEnded,      ///< the program ended by itself: its log and outputs are to be brought home
  kContainer,  ///< the program is in a container that outlives runners: nothing of it may be killed
};

/// Of a job's folder. Of several hosts each must have got that far, or one have failed by itself: then it is
/// what the job fails of. A job that kills its runners is not taken up for ever.
TakeUp can_be_taken_up(const fs::path& folder);

}  // namespace sagelet
