#pragma once
// Where runners run. A placement starts them, knows them again after a restart of the server, and ends them.
//
// All calls come from the jobs thread. Every placement passes placement_contract.hpp.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "runner/progress.hpp"
#include "runner/spec.hpp"

namespace sagelet::jobs {

/// What a placement cannot do is said here, not pretended.
struct Capabilities {
  bool affinity = false;  ///< JobSpec::cpus are this machine's
  bool several_hosts = false;
  /// It queues by itself: start() takes a job at once, which may wait there; news() tells what becomes of it.
  bool queues = false;
};

/// What a placement that queues by itself has seen of a job.
struct News {
  enum class What {
    kPending,  ///< it waits; text: why
    kStarted,
    // it has ended there, and what follows is the job's end unless it said another itself
    kGone,       ///< text: why, as far as is known
    kForgotten,  ///< the same; it was accepted there and never seen to run: start() it again, unless it
                 ///< reported
    kFailed,     ///< text: the FailureReason
    kCancelled,  ///< the same, where it is not we who asked for that
    kMaxRuntimeExceeded,
    kInterrupted,  ///< its machine was taken away; text: how
  };
  std::string job_id;
  What what = What::kGone;
  std::string text;
};

/// One started runner, as text that can be stored and taken back by another process.
using Handle = std::string;

class Placement {
 public:
  virtual ~Placement() = default;

  /// Can it start runners here and now? The error says what is missing.
  virtual Status probe() = 0;
  virtual Capabilities capabilities() const = 0;

  /// Writes the folder's spec.json and starts the runner, which outlives us. kAlreadyExists: the job has a
  /// runner.
  virtual Result<Handle> start(const JobSpec& spec) = 0;
  /// The runner of a job whose handle did not reach the ledger before we were killed.
  virtual std::optional<Handle> find(const std::string& job_id) = 0;
  virtual bool alive(const Handle& handle) = 0;
  /// A descriptor that becomes readable when the runner ends; none where news() tells of it. kNotFound: it
  /// has.
  virtual Result<UniqueFd> watch(const Handle& handle) = 0;
  /// Asks the runner to stop its job (SIGTERM). A runner that is gone is fine.
  virtual void stop(const Handle& handle) = 0;
  /// SIGKILL for the runners and for every process of these jobs, daemons included; none is left on return.
  virtual void kill(const std::vector<std::string>& job_ids, const std::vector<Handle>& handles) = 0;
  /// The reports that a dead runner left, in order.
  virtual std::vector<Report> left_reports(const std::string& job_id) = 0;
  /// How the job's own program ended, if the runner noted it: "exit code 1". Empty: not known.
  virtual std::string noted_end(const std::string& job_id) = 0;
  /// What a job can be made of whose runner is dead: start() its spec again with `resumed`.
  virtual TakeUp take_up(const std::string& job_id) = 0;
  /// The server has another address now: a living runner finds it in the job's folder (server_url).
  virtual Status readdress(const std::string& job_id, const std::string& server_url) = 0;
  /// Removes the job's folder. Missing is fine.
  virtual Status remove(const std::string& job_id) = 0;
  /// Jobs that have a folder.
  virtual std::vector<std::string> folders() = 0;

  /// Of one that queues: readable while there are news.
  virtual int news_fd() const { return -1; }
  virtual std::vector<News> news() { return {}; }
  /// For `doctor`: what does not work, and the remedy. Any thread; may take a while.
  virtual std::vector<std::string> troubles() const { return {}; }
};

}  // namespace sagelet::jobs
