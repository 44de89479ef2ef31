#pragma once
// Runners on the nodes of a Slurm cluster: the batch script of a job becomes its runner.
//
// Calls only change what is wanted of a job, and a thread of this class brings it about: it submits, signals,
// cancels, and asks one squeue a tick for all jobs. What it sees comes back as news().
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "server/jobs/placement/job_folders.hpp"
#include "server/jobs/placement/placement.hpp"
#include "server/jobs/placement/slurm/commands.hpp"
#include "server/jobs/placement/slurm/settings.hpp"

namespace sagelet::jobs::slurm {

struct SlurmOptions {
  Settings settings;
  fs::path runner;  ///< of this machine: sent to nodes where they have none
  fs::path folder;  ///< of jobs, as the server sees it; the shared one where there is one
  double cores_per_job = 0;
  std::uint64_t memory_per_job = 0;
  std::chrono::milliseconds tick{1000};
};

/// A handle is the job's id. Slurm's own number is in a file of the job's folder; a job that was submitted a
/// moment before we were killed is known by its comment.
class SlurmPlacement final : public Placement {
 public:
  SlurmPlacement(SlurmOptions options, std::unique_ptr<Commands> commands);
  ~SlurmPlacement() override;  ///< leaves jobs as they are

  Status probe() override;
  Capabilities capabilities() const override { return {.several_hosts = true, .queues = true}; }
  Result<Handle> start(const JobSpec& spec) override;
  std::optional<Handle> find(const std::string& job_id) override;
  bool alive(const Handle& handle) override;
  Result<UniqueFd> watch(const Handle& handle) override;
  void stop(const Handle& handle) override;
  /// Waits for Slurm, but not for ever: what it has not confirmed by then is in the log.
  void kill(const std::vector<std::string>& job_ids, const std::vector<Handle>& handles) override;
  std::vector<Report> left_reports(const std::string& job_id) override {
    return folders_.left_reports(job_id);
  }
  std::string noted_end(const std::string& job_id) override { return folders_.noted_end(job_id); }
  TakeUp take_up(const std::string& job_id) override;
  Status readdress(const std::string& job_id, const std::string& server_url) override {
    return folders_.readdress(job_id, server_url);
  }
  Status remove(const std::string& job_id) override;
  std::vector<std::string> folders() override { return folders_.names(); }
  int news_fd() const override { return bell_.get(); }
  std::vector<News> news() override;
  std::vector<std::string> troubles() const override { return slurm::troubles(options_.settings.partition); }

 private:
  enum class Place {
    kUnsure,  ///< it may be in Slurm: the next list tells
    kHere,    ///< it is not: to be submitted
    kThere,   ///< it is, as `id`
    kGone,    ///< it has ended, or never was there
  };
  struct Job {
    Place place = Place::kUnsure;
    std::string id;  ///< Slurm's
    bool started = false, runner_sent = false;
    bool stop = false, terminated = false;  ///< wanted; done for one that runs
    bool kill = false;
    int absent = 0;    ///< lists in a row that it was not in
    std::string text;  ///< the last that was told of its waiting
    std::optional<SteadyTime> hopeless_since;
    std::string given_up;  ///< the FailureReason, where it is we who cancel it
  };
  using Listing = std::vector<Listed>;

  // how a call is asked for; with the lock
  void wake();
  void gone(const std::string& job_id, Job& job, News::What what, std::string text);
  void tell(News news);

  // the thread's; a command never runs under the lock
  void run();
  std::optional<SteadyTime> next_look() const;
  bool has_work() const;
  void stop_and_kill();
  void look();
  void look_at_nodes(Listing& listed);
  void submit_some();
  void send_runners();
  bool came_through(const Status& done);

  // one list; with the lock
  Listing compare(const Listing& listed);
  void is_absent(const std::string& job_id, Job& job);
  void waits(const std::string& job_id, Job& job, const Listed& listed);
  void runs(const std::string& job_id, Job& job);
  void find_doubles(const Listing& listed);

  void submitted(const std::string& job_id, const Result<std::string>& id);
  void note(const std::string& job_id, const Job& job) const;
  void adopt_folders();
  bool sends_runner() const { return options_.settings.runner.empty() && options_.settings.shared.empty(); }

  const SlurmOptions options_;
  const JobFolders folders_;
  const std::unique_ptr<Commands> commands_;
  UniqueFd bell_;  ///< an eventfd: there are news

  mutable std::mutex mutex_;  ///< of all below
  std::condition_variable changed_;
  std::map<std::string, Job> jobs_;
  std::deque<std::string> to_submit_;
  std::vector<News> news_;
  std::vector<std::string> doubles_;  ///< numbers of jobs that Slurm has once too often
  bool asked_ = false;                ///< a stop or a kill to look at
  bool look_soon_ = false;
  bool stopping_ = false;
  SteadyTime last_look_{};
  SteadyTime not_before_{};  ///< slurmctld does not answer
  std::chrono::milliseconds look_took_{0};
  std::thread thread_;
};

}  // namespace sagelet::jobs::slurm
