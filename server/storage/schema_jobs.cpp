#include <array>

#include "server/storage/migrations.hpp"

namespace sagelet::storage {

namespace {

/// A row from Create until the final report, and on until the folder goes for a job that failed.
/// state: 0 queued, 1 started, 2 ended and its folder kept. `position` orders the queue.
constexpr std::array kSteps = {
    R"(CREATE TABLE jobs(
         position INTEGER PRIMARY KEY,
         job_id TEXT NOT NULL UNIQUE,
         kind TEXT NOT NULL,
         state INTEGER NOT NULL,
         cores INTEGER NOT NULL,
         share REAL NOT NULL,
         outside INTEGER NOT NULL,
         stopping INTEGER NOT NULL DEFAULT 0,
         token TEXT NOT NULL,
         spec TEXT NOT NULL,
         handle TEXT,
         cpus TEXT,
         last_report INTEGER NOT NULL DEFAULT 0,
         ended_ms INTEGER
       ))",
};

}  // namespace

RoomSchema jobs_schema() {
  return {"jobs", kSteps};
}

}  // namespace sagelet::storage
