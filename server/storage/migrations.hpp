#pragma once
// The ledger's tables, a room at a time. Each room's steps are in schema_<room>.cpp and only ever grow: step
// i brings the room from version i to i+1. The versions reached are kept in the table `schema_version`.
#include <span>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;

namespace sagelet::storage {

struct RoomSchema {
  std::string_view room;
  std::span<const char* const> steps;  ///< SQL; all missing steps of all rooms run in one transaction
};

RoomSchema objects_schema();        ///< buckets, objects, uploads, parts
RoomSchema records_schema();        ///< resources (training jobs, ...), tags
RoomSchema logs_schema();           ///< log groups, streams, events
RoomSchema jobs_schema();           ///< queue and handles of running jobs
RoomSchema credentials_schema();    ///< session credentials
RoomSchema cloudwatch_schema();     ///< metrics and their values
RoomSchema images_schema();         ///< container images: repositories, manifests, tags, blobs
RoomSchema notifications_schema();  ///< events that wait to be told

std::span<const RoomSchema> all_schemas();

/// Brings a database to the newest version. A database newer than this program is kInvalid and names the
/// remedy.
Status migrate(sqlite3* db);

}  // namespace sagelet::storage
