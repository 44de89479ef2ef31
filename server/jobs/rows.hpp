#pragma once
// The jobs table of the ledger: one row a job, from Create until its folder goes (docs/formats/queue.md).
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "server/jobs/cores.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::jobs {

enum class RowState { kQueued = 0, kStarted = 1, kKept = 2 };

struct Row {
  std::int64_t position = 0;  ///< order of the queue
  std::string job_id, kind;
  RowState state = RowState::kQueued;
  Want want;
  bool outside = false;  ///< starts without waiting
  bool stopping = false;
  std::string token;
  std::string handle;
  std::vector<int> cpus;
  std::uint64_t last_report = 0;
  std::int64_t ended_ms = 0;  ///< of kKept
};

/// Reads and changes of that table. Reads run on the calling thread.
class Rows {
 public:
  explicit Rows(storage::Ledger& ledger) : ledger_(ledger) {}

  /// Runs inside a service's own change. kAlreadyExists: the job id is taken.
  static Status insert(storage::Connection& db, const Row& row, const std::string& spec_json);

  Result<std::vector<Row>> after(std::int64_t position);  ///< in order
  Result<std::int64_t> last_position();
  Result<std::string> spec(const std::string& job_id);
  Result<std::optional<std::string>> token(const std::string& job_id);  ///< of one queued or started

  /// These wait until the change is durable.
  Status started(const std::string& job_id, const std::string& handle, const std::vector<int>& cpus);
  Status remove(const std::string& job_id);
  Status keep(const std::string& job_id, WallTime ended);
  /// These do not: losing them to a crash costs a repeated report, or a repeated stop.
  void reported(const std::string& job_id, std::uint64_t number);
  void stopping(const std::string& job_id);

 private:
  storage::Ledger& ledger_;
};

}  // namespace sagelet::jobs
