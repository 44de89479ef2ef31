#include "server/jobs/rows.hpp"

#include "base/log.hpp"

namespace sagelet::jobs {

namespace {

constexpr auto kInsert =
    "INSERT INTO jobs(position, job_id, kind, state, cores, share, outside, token, spec) VALUES "
    "(?,?,?,0,?,?,?,?,?)";
constexpr auto kAfter =
    "SELECT position, job_id, kind, state, cores, share, outside, stopping, token, handle, cpus, "
    "last_report, ended_ms "
    "FROM jobs WHERE position > ? ORDER BY position";
constexpr auto kLast = "SELECT max(position) FROM jobs";
constexpr auto kSpec = "SELECT spec FROM jobs WHERE job_id = ?";
constexpr auto kToken = "SELECT token FROM jobs WHERE job_id = ? AND state < 2";
constexpr auto kStarted = "UPDATE jobs SET state = 1, handle = ?2, cpus = ?3 WHERE job_id = ?1";
constexpr auto kRemove = "DELETE FROM jobs WHERE job_id = ?";
constexpr auto kKeep = "UPDATE jobs SET state = 2, ended_ms = ?2, spec = '' WHERE job_id = ?1";
constexpr auto kReported = "UPDATE jobs SET last_report = ?2 WHERE job_id = ?1 AND last_report < ?2";
constexpr auto kStopping = "UPDATE jobs SET stopping = 1 WHERE job_id = ?";

Row row_of(const storage::Statement& columns) {
  Row row;
  row.position = columns.integer(0);
  row.job_id = columns.text(1);
  row.kind = columns.text(2);
  row.state = static_cast<RowState>(columns.integer(3));
  row.want = {static_cast<int>(columns.integer(4)), columns.real(5)};
  row.outside = columns.integer(6) != 0;
  row.stopping = columns.integer(7) != 0;
  row.token = columns.text(8);
  row.handle = columns.text(9);
  row.cpus = cpus_from_text(columns.text(10));
  row.last_report = static_cast<std::uint64_t>(columns.integer(11));
  row.ended_ms = columns.integer(12);
  return row;
}

void note_failure(const std::string& job_id, const Status& done) {
  if (!done) log::warn("job {}: {}", job_id, done.error().message());
}

}  // namespace

Status Rows::insert(storage::Connection& db, const Row& row, const std::string& spec_json) {
  auto statement = db.prepare(kInsert);
  statement.bind(1, row.position).bind(2, row.job_id).bind(3, row.kind).bind(4, row.want.cores);
  statement.bind(5, row.want.share).bind(6, row.outside ? 1 : 0).bind(7, row.token).bind(8, spec_json);
  return statement.run();
}

Result<std::vector<Row>> Rows::after(std::int64_t position) {
  std::vector<Row> rows;
  TRY(ledger_.read([&](storage::Connection& db) -> Status {
    auto statement = db.prepare(kAfter);
    statement.bind(1, position);
    while (true) {
      TRY(const bool more, statement.step());
      if (!more) return {};
      rows.push_back(row_of(statement));
    }
  }));
  return rows;
}

Result<std::int64_t> Rows::last_position() {
  std::int64_t last = 0;
  TRY(ledger_.read([&](storage::Connection& db) -> Status {
    auto statement = db.prepare(kLast);
    TRY(const bool there, statement.step());
    if (there) last = statement.integer(0);
    return {};
  }));
  return last;
}

Result<std::string> Rows::spec(const std::string& job_id) {
  std::string text;
  TRY(ledger_.read([&](storage::Connection& db) -> Status {
    auto statement = db.prepare(kSpec);
    statement.bind(1, job_id);
    TRY(const bool there, statement.step());
    if (!there) return Error(ErrorKind::kNotFound, "no row of job " + job_id);
    text = statement.text(0);
    return {};
  }));
  return text;
}

Result<std::optional<std::string>> Rows::token(const std::string& job_id) {
  std::optional<std::string> token;
  TRY(ledger_.read([&](storage::Connection& db) -> Status {
    auto statement = db.prepare(kToken);
    statement.bind(1, job_id);
    TRY(const bool there, statement.step());
    if (there) token = statement.text(0);
    return {};
  }));
  return token;
}

Status Rows::started(const std::string& job_id, const std::string& handle, const std::vector<int>& cpus) {
  return ledger_.commit_and_wait([=, text = to_text(cpus)](storage::Connection& db) {
    auto statement = db.prepare(kStarted);
    return statement.bind(1, job_id).bind(2, handle).bind(3, text).run();
  });
}

Status Rows::remove(const std::string& job_id) {
  return ledger_.commit_and_wait([=](storage::Connection& db) {
    auto statement = db.prepare(kRemove);
    return statement.bind(1, job_id).run();
  });
}

Status Rows::keep(const std::string& job_id, WallTime ended) {
  return ledger_.commit_and_wait([=](storage::Connection& db) {
    auto statement = db.prepare(kKeep);
    return statement.bind(1, job_id).bind(2, to_millis(ended)).run();
  });
}

void Rows::reported(const std::string& job_id, std::uint64_t number) {
  const auto ticket = ledger_.commit([=](storage::Connection& db) {
    auto statement = db.prepare(kReported);
    return statement.bind(1, job_id).bind(2, number).run();
  });
  ticket.on_done([job_id](const Status& done) { note_failure(job_id, done); });
}

void Rows::stopping(const std::string& job_id) {
  const auto ticket = ledger_.commit([=](storage::Connection& db) {
    auto statement = db.prepare(kStopping);
    return statement.bind(1, job_id).run();
  });
  ticket.on_done([job_id](const Status& done) { note_failure(job_id, done); });
}

}  // namespace sagelet::jobs
