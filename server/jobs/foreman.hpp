#pragma once
// Who waits, who runs, who is leaving: the state of the jobs thread. Nothing in here is thread-safe, nothing
// sleeps.
//
//   queued --(cores free)--> running --(final report)--> leaving --(runner gone)--> forgotten
//      \--(stop: Stopped)---------------------------------------------------------> forgotten
//                              \--(runner gone without a final report: what it left, else lost)--> forgotten
//                              \--(the same, but its program ended or goes on: another runner)--> running
//
// Where the placement has a queue of its own, every job is running from the start, and it says of each how
// that waits there and how it ended.
//
// A job is in here from the moment its row is seen in the ledger until its folder is gone (a failed one's
// folder stays for a while, known by its row alone).
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/jobs/cores.hpp"
#include "server/jobs/jobs.hpp"
#include "server/jobs/loop.hpp"
#include "server/jobs/placement/placement.hpp"
#include "server/jobs/rows.hpp"

namespace sagelet::jobs {

class Foreman {
 public:
  Foreman(const Options& options, storage::Ledger& ledger, const Clock& clock, Placement& placement,
          std::vector<int> cpus);

  void listen(std::string kind, Listener* listener) { listeners_[std::move(kind)] = listener; }
  /// When the rows cannot be read now, it is tried again; until then reports are to come again.
  void adopt();
  /// New rows, then whoever may start.
  void look();
  void stop(const std::string& job_id);
  void remove(const std::string& job_id);
  Status intake(std::string_view token, const Report& report);
  void clear();
  Jobs::Counts counts() const;

  /// The runners' descriptors and the next time of our own.
  Loop::Plan plan() const;
  /// After a sleep: runners that ended, things to try again, folders whose time has come.
  void turn(const std::vector<int>& readable);

 private:
  /// What failed for a passing reason (a full disk) is tried again after this.
  static constexpr auto kRetryPause = std::chrono::milliseconds(1000);

  enum class State { kQueued, kRunning, kLeaving };
  struct Job {
    Row row;
    State state = State::kQueued;
    std::string message;  ///< the last pending one
    UniqueFd watch;
    bool runner_was_up = false;    ///< it lived long enough to handle signals
    bool kept = false;             ///< leaving, and the folder stays
    bool waits_there = false;      ///< in the queue of a placement that has one
    bool ended_by_others = false;  ///< its runner was stopped, and not by us
    std::optional<News> ending;    ///< how the placement says that it ended
    int handed_over_again = 0;     ///< what had accepted it forgot it
    std::string why;               ///< lost: what happened
  };

  Result<Listener*> listener_of(const Job& job) const;
  // arriving
  void admit_new_rows();  ///< into the queue; those outside it start
  void start_those_that_fit();
  bool start_next();
  void tell_waiting(const std::vector<std::string>& fresh);
  void tell(Job& job, std::string message);
  std::string waiting_message(const Job& job, bool is_next) const;
  // starting
  void start(Job& job, std::vector<int> cpus);
  Result<JobSpec> spec_to_start(const Job& job, const std::vector<int>& cpus);
  Status hand_over(Job& job, std::vector<int> cpus);
  void watch(Job& job);
  // of a placement that queues by itself
  void hear(const News& news);
  bool hand_over_again(Job& job);
  Status apply_ending(Job& job);
  Report final_report(const Job& job, Outcome outcome, std::string reason = {}) const;
  std::vector<int> borrow(const Job& job) const;
  // adopting
  void adopt_row(Row row);
  void adopt_started(Job& job);
  bool find_newer_runner(Job& job);
  void adopt_queued(Job& job);
  void sweep_orphans();
  // ending
  Status apply(Job& job, const Report& report);
  Status finish(Job& job, const Report& report);
  Status end_row(Job& job, bool keep);
  void runner_gone(Job& job);
  void settle(const std::string& job_id);
  Status deliver_end(Job& job);
  bool take_up(Job& job);
  void free_cores(Job& job);
  void forget(const std::string& job_id);
  void clean_up(const std::string& job_id);
  void purge_kept();

  const Options& options_;
  const Clock& clock_;
  Placement& placement_;
  Rows rows_;
  Cores cores_;
  const bool queues_;      ///< the placement does: it gets every job at once, and no core is counted
  bool adopting_ = false;  ///< adopt() was called
  bool adopted_ = false;   ///< and has read the rows
  std::int64_t last_position_ = 0;
  std::unordered_map<std::string, Listener*> listeners_;
  std::unordered_map<std::string, Job> jobs_;
  std::map<std::int64_t, std::string> queue_;  ///< by position
  std::vector<std::string> fresh_;             ///< queued since the last look: not told anything yet
  std::set<std::string> watched_;              ///< jobs with a runner whose end we wait for
  /// Runners that adopt() found dead. What they left may be in an engine that is slow, and the server's start
  /// waits for adopt(), not for that.
  std::vector<std::string> dead_;
  std::set<std::string> unsettled_;  ///< ends that could not be delivered: tried again
  std::set<std::string> owing_;      ///< ended, but something of theirs cannot be removed yet
  bool look_again_ = false;          ///< the queue could not be read
  SteadyTime retry_at_{};
  std::map<std::string, std::int64_t> kept_;  ///< failed jobs' folders and when they ended
};

}  // namespace sagelet::jobs
