#pragma once
// What the server knows of running jobs: queue, admission by cores and memory, stop, adoption after a
// restart.
//
// One thread and one queue of its own. A job is known from the moment its row is in the ledger (the same
// transaction as the service's record), so a crash in between loses no job: adopt() looks at every row again.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "runner/spec.hpp"
#include "server/jobs/placement/slurm/settings.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::jobs {

/// What to run for an image: sagelet.yaml's images: in order, then the defaults (AWS framework images:
/// process).
struct ImageRule {
  std::string match;   ///< glob on the image URI: * and ?
  std::string python;  ///< process sandbox with this interpreter; empty: not a process rule
  std::string docker;  ///< docker image; empty: not a docker rule
};

struct Options {
  std::filesystem::path runner;  ///< sagelet-runner beside the server's own binary
  std::filesystem::path folder;  ///< <data>/jobs; a folder a job
  std::filesystem::path pip_cache;
  std::function<std::string()> server_url;  ///< known once we listen
  /// "NAME=value" for every job: PIP_* of ours, proxy and authority so that a script's own SDK calls reach
  /// us.
  std::function<std::vector<std::string>()> job_environment;
  std::vector<ImageRule> images;
  /// What a docker engine of this machine pulls for an image that our own registry has; empty: it has not.
  std::function<std::string(const std::string& image)> known_image;
  std::vector<std::string> pythons;  ///< interpreters, first is the default
  double cores_per_job = 0;          ///< 0: by instance type
  std::uint64_t memory_per_job = 0;  ///< bytes; 0: by instance type
  std::chrono::seconds stop_grace{120};
  std::chrono::hours keep_failed{72};
  std::uint64_t log_spool_limit = 1ull << 30;  ///< bytes of unacknowledged log a job may keep on disk
  bool stop_jobs_at_exit = false;              ///< --ephemeral
  /// A job has ended, or was dropped; token_of() says so by then. On the jobs thread. None: nobody asks.
  std::function<void(const std::string& job_id)> ended;
  std::optional<slurm::Settings> slurm;  ///< jobs run on a cluster; none: on this machine
};

/// What the request wants; admission and the image map make the rest of the JobSpec.
struct Request {
  JobSpec spec;  ///< name, image, data, limits...; job_id and credentials set by the caller
  std::string instance_type;
  int instance_count = 1;
  bool outside_queue = false;  ///< created with a job's own credentials: never waits for itself
};

/// What jobs tells a service. Called on the jobs thread; reports of one job come in order, each at least
/// once.
class Listener {
 public:
  virtual ~Listener() = default;
  /// A pending job's message changed ("Waiting for 2 of 4 cores ...").
  virtual void pending(const std::string& job_id, const std::string& message) = 0;
  /// A report that is new. Must be durable when it returns OK: the runner forgets it then.
  virtual Status report(const Report& report) = 0;
  /// The runner is gone without a final report (killed, machine fault): the job failed by our fault.
  virtual Status lost(const std::string& job_id, const std::string& why) = 0;
  /// Its machine was taken away: a spot job starts again, any other is lost.
  virtual Status interrupted(const std::string& job_id, const std::string& why) { return lost(job_id, why); }
};

class Jobs {
 public:
  static Result<std::unique_ptr<Jobs>> start(Options options, storage::Ledger& ledger, const Clock& clock,
                                             Ids& ids);
  virtual ~Jobs() = default;  ///< leaves jobs running, unless stop_jobs_at_exit

  /// By kind ("training"). Before adopt(). Null takes a listener away again: when this returns no call to it
  /// is under way, and what would be told to it is kept for the next start.
  virtual void listen(std::string kind, Listener* listener) = 0;
  /// After a restart: takes running runners back, starts queued jobs, reports lost ones.
  virtual void adopt() = 0;

  /// The row that makes the job known; run it inside the service's own change. Errors: kInvalid when no rule
  /// fits the image (the message says which images are known and how to map this one), decided before the
  /// transaction.
  virtual Result<storage::Change> enqueue(Request request) = 0;
  /// After the change is durable: look at the queue.
  virtual void wake() = 0;

  /// A queued job ends Stopped at once; a running one gets SIGTERM, the grace, SIGKILL. Stopping twice is
  /// fine.
  virtual void stop(const std::string& job_id) = 0;
  /// Forgets the row and the folder of a finished job.
  virtual void remove(const std::string& job_id) = 0;

  /// POST /_sagelet/reports: checks the token, hands the report to its listener. kPermission: wrong token.
  virtual Status intake(std::string_view token, const Report& report) = 0;

  /// The token of a job's reports, from the change of enqueue() until its final report, or what stands for
  /// it, is taken; nullopt: it does not live. From the ledger, on the caller's thread.
  virtual std::optional<std::string> token_of(const std::string& job_id) = 0;

  /// SIGKILLs all jobs and forgets them (reset, --ephemeral's exit). Blocks until no process is left.
  virtual void clear() = 0;

  struct Counts {
    int queued = 0, running = 0;
  };
  virtual Counts counts() const = 0;

  struct Doctor {
    std::string sandbox;             ///< "namespaces (root)", "user namespaces", "link under a lock", ...
    std::vector<std::string> notes;  ///< what does not work here and how to change it
    int cores = 0;
    std::uint64_t memory = 0;
  };
  virtual Doctor doctor() const = 0;
};

}  // namespace sagelet::jobs
