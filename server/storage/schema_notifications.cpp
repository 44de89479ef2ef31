// Events of buckets that wait to be told: docs/formats/objects.md.
#include "server/storage/migrations.hpp"

namespace sagelet::storage {

namespace {

constexpr const char* kFirst = R"sql(
CREATE TABLE notifications(
  id INTEGER PRIMARY KEY,
  bucket TEXT NOT NULL,
  key BLOB NOT NULL,
  destination TEXT NOT NULL,
  record BLOB NOT NULL
);
)sql";

constexpr const char* kSteps[] = {kFirst};

}  // namespace

RoomSchema notifications_schema() {
  return {"notifications", kSteps};
}

}  // namespace sagelet::storage
