// Session credentials of jobs and of AssumeRole: docs/formats/records.md.
#include "server/storage/migrations.hpp"

namespace sagelet::storage {

namespace {

constexpr const char* kFirst = R"sql(
CREATE TABLE session_credentials(
  access_key TEXT PRIMARY KEY,
  secret_key TEXT NOT NULL,
  session_token TEXT NOT NULL,
  account TEXT NOT NULL,
  role_arn TEXT NOT NULL,
  session_name TEXT NOT NULL,
  job_id TEXT NOT NULL,
  expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_credentials_by_expiry ON session_credentials(expires);
CREATE INDEX session_credentials_by_job ON session_credentials(job_id) WHERE job_id <> '';
)sql";

constexpr const char* kSteps[] = {kFirst};

}  // namespace

RoomSchema credentials_schema() {
  return {"credentials", kSteps};
}

}  // namespace sagelet::storage
