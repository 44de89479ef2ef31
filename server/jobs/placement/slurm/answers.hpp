#pragma once
// What Slurm's commands print, as values.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "server/jobs/placement/placement.hpp"

namespace sagelet::jobs::slurm {

using Shown = std::map<std::string, std::string>;

/// The first of the words that we give a job as its comment is ours: "<our job id> <ARN>".
inline constexpr std::string_view kListFormat = "%i|%T|%r|%N|%P|%k";

/// A line of squeue in kListFormat.
struct Listed {
  std::string id;      ///< Slurm's
  std::string state;   ///< PENDING, RUNNING, NODE_FAIL ...
  std::string reason;  ///< why it is in that state: Resources, PartitionDown ...
  std::string nodes;   ///< n[1-3]; empty while it waits
  std::string job_id;  ///< ours; empty: not a job of ours
  std::string partition;
  bool no_node_is_up = false;  ///< in the partition; filled in where it matters

  bool waits() const;  ///< in the queue: it may start (again)
  bool ended() const;
};
/// Lines that are not of that format are left out: sites' own wrappers print things.
std::vector<Listed> parse_list(std::string_view answer);

/// sbatch --parsable: "12" or "12;cluster", perhaps after lines of a site's own.
Result<std::string> parse_submitted(std::string_view answer);

/// scontrol show job -o: JobState, Reason, ExitCode ... A value goes up to the next " Name=".
Shown parse_shown(std::string_view answer);

/// What a failed command means: kUnavailable (slurmctld does not answer: again, later), kNoSpace (no node of
/// the cluster can ever run this), kInvalid (anything else: it would fail again).
Error refusal(std::string_view command, std::string_view complaint);

/// How a job ended that said nothing of it itself; `shown` may be empty.
News ending_of(const Listed& listed, const Shown& shown);

/// sinfo's states, one a line: does any of them take jobs, now or when others have ended?
bool any_node_is_up(std::string_view answer);

/// Why a job waits, for people: "Pending in Slurm: Resources (no node is free now)".
std::string waiting_text(const Listed& listed);
/// No node can take it while the cluster is as it is.
bool is_hopeless(const Listed& listed);
/// Slurm has one reason for nodes that are down and for those that jobs of a higher priority wait for.
bool depends_on_nodes(std::string_view reason);

}  // namespace sagelet::jobs::slurm
