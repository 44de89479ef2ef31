#pragma once
// Log groups and streams in the ledger. Events are in rows.hpp.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/storage/ledger.hpp"

namespace sagelet::logs {

struct Group {
  std::int64_t id = 0;
  std::string name;
  std::int64_t created_ms = 0;
  std::int64_t retention_days = 0;  ///< 0: for ever
  std::int64_t stored_bytes = 0;
  std::string kms_key, log_class = "STANDARD";
  std::string tags = "{}";  ///< JSON object
};

struct Stream {
  std::int64_t id = 0;
  std::int64_t group = 0;
  std::string name;
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> first_event_ms, last_event_ms, last_ingestion_ms;
  std::int64_t batches = 0;  ///< accepted ones: the sequence token
  std::int64_t rows = 0;
  std::int64_t stored_bytes = 0;
};

/// `scope` is one account's and region's. kNotFound, kAlreadyExists as usual.
Result<Group> find_group(storage::Connection& connection, std::string_view scope, std::string_view name);
Status insert_group(storage::Connection& connection, std::string_view scope, const Group& group);
/// Retention and tags.
Status update_group(storage::Connection& connection, const Group& group);
/// With its streams and events.
Status erase_group(storage::Connection& connection, std::int64_t group);
/// By name, from behind `after` on, those that start with `prefix`.
Result<std::vector<Group>> groups(storage::Connection& connection, std::string_view scope,
                                  std::string_view prefix, std::string_view after, int limit);

Result<Stream> find_stream(storage::Connection& connection, std::int64_t group, std::string_view name);
Status insert_stream(storage::Connection& connection, const Stream& stream);
/// Times, counts and bytes.
Status update_stream(storage::Connection& connection, const Stream& stream);
Status erase_stream(storage::Connection& connection, const Stream& stream);

/// By name (or backwards), from behind `after` on, those that start with `prefix`.
Result<std::vector<Stream>> streams_by_name(storage::Connection& connection, std::int64_t group,
                                            std::string_view prefix, bool descending, std::string_view after,
                                            int limit);
/// By the time of their last event, oldest first; streams without events first of all.
Result<std::vector<Stream>> streams_by_last_event(storage::Connection& connection, std::int64_t group);

}  // namespace sagelet::logs
