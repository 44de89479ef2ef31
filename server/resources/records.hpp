#pragma once
// Records of every noun in the ledger: by name, by time of creation, by status. No AWS words in here; the
// engine (engine.hpp) makes answers of them. Layout: docs/formats/records.md.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/strong.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::resources {

/// One noun of one account and region: names are unique within it.
class Scope {
 public:
  Scope(std::string_view noun, const AccountId& account, std::string_view region);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// A resource. The answer of Describe is kept as text in two pieces, so that no JSON is parsed or printed to
/// give it.
struct Record {
  std::int64_t id = 0;
  std::string name;
  std::string status;  ///< what lists filter and sort by; may be empty
  std::int64_t created_ms = 0;
  std::int64_t modified_ms = 0;
  std::string handle;         ///< a second unique key (a job's id); empty: none
  std::string summary;        ///< JSON object: its row in a list
  std::string fixed;          ///< JSON members, without braces, that never change
  std::string changing;       ///< JSON members, without braces, that update() replaces
  std::string hidden = "{}";  ///< JSON object that only the service reads
  std::string tags = "[]";    ///< JSON array of {"Key": ..., "Value": ...}

  /// {fixed, changing}
  std::string answer() const;
};

/// Sets `record.id`. A name (or handle) in use is kAlreadyExists.
Status insert(storage::Connection& connection, const Scope& scope, Record& record);
/// kNotFound when there is none.
Result<Record> find(storage::Connection& connection, const Scope& scope, std::string_view name);
Result<Record> find_by_id(storage::Connection& connection, std::int64_t id);
Result<Record> find_by_handle(storage::Connection& connection, std::string_view handle);
/// Status, modification time, summary, changing and hidden; the rest stays.
Status update(storage::Connection& connection, const Record& record);
Status replace_fixed(storage::Connection& connection, std::int64_t id, std::string_view fixed);
Status replace_handle(storage::Connection& connection, std::int64_t id, std::string_view handle);
Status replace_tags(storage::Connection& connection, std::int64_t id, std::string_view tags);
Status erase(storage::Connection& connection, std::int64_t id);

enum class SortBy { kCreationTime, kName, kStatus };

/// Where a page ended: the sort values of its last row.
struct Position {
  std::string text;
  std::int64_t number = 0;
  std::int64_t id = 0;
};

struct Query {
  SortBy sort = SortBy::kCreationTime;
  bool descending = false;
  std::string name_contains;  ///< any case
  std::string status;
  std::string summary_has;  ///< a piece of the summary's text; skips rows without it
  std::optional<std::int64_t> created_after_ms, created_before_ms, modified_after_ms, modified_before_ms;
  int limit = 10;
  std::optional<Position> after;
};

struct Page {
  std::string rows;  ///< the summaries, joined by commas
  int count = 0;
  std::optional<Position> next;  ///< absent on the last page
};

/// Reads an index from `after` on: independent of how many records there are, but for rows that filters skip.
Result<Page> page(storage::Connection& connection, const Scope& scope, const Query& query);

/// Every record of the scope, newest first, until `visit` gives false.
Status each(storage::Connection& connection, const Scope& scope, const std::function<bool(Record&)>& visit);

}  // namespace sagelet::resources
