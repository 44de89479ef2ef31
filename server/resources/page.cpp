// A page of a list: one index read from a position on.
#include <array>
#include <limits>

#include "base/strong.hpp"
#include "server/resources/records.hpp"

namespace sagelet::resources {

using storage::Connection;
using storage::Statement;

namespace {

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();

// ?1 scope, ?2..?5 bounds of the times, ?6 part of the name, ?7 status, ?8..?10 the position, ?11 limit, ?12
// part of the summary. Statements are literals (the ledger caches them by address), so the variants are
// spelled out by macros.
#define SAGELET_ROWS(INDEX)                                                    \
  "SELECT id, summary, name, status, created FROM resources INDEXED BY " INDEX \
  " WHERE scope = ?1 "                                                         \
  "AND created > ?2 AND created < ?3 AND modified > ?4 AND modified < ?5 "     \
  "AND (?6 = '' OR instr(lower(name), lower(?6)) > 0) "                        \
  "AND (?12 = '' OR instr(summary, ?12) > 0) "
#define SAGELET_ANY_STATUS "AND (?7 = '' OR status = ?7) "
#define SAGELET_BY_CREATED(OP, ORDER) \
  "AND (created, id) " OP " (?9, ?10) AND ?8 IS NOT NULL ORDER BY created " ORDER ", id " ORDER " LIMIT ?11"
#define SAGELET_BY_NAME(OP, ORDER) \
  "AND name " OP " ?8 AND ?9 IS NOT NULL AND ?10 IS NOT NULL ORDER BY name " ORDER " LIMIT ?11"
#define SAGELET_BY_STATUS(OP, ORDER)                                                                       \
  "AND (status, created, id) " OP " (?8, ?9, ?10) ORDER BY status " ORDER ", created " ORDER ", id " ORDER \
  " LIMIT ?11"

struct Variants {
  const char* ascending;
  const char* descending;
};

constexpr Variants kByCreated = {
    SAGELET_ROWS("resources_by_created") SAGELET_ANY_STATUS SAGELET_BY_CREATED(">", "ASC"),
    SAGELET_ROWS("resources_by_created") SAGELET_ANY_STATUS SAGELET_BY_CREATED("<", "DESC")};
constexpr Variants kOfStatusByCreated = {
    SAGELET_ROWS("resources_by_status") "AND status = ?7 " SAGELET_BY_CREATED(">", "ASC"),
    SAGELET_ROWS("resources_by_status") "AND status = ?7 " SAGELET_BY_CREATED("<", "DESC")};
constexpr Variants kByName = {
    SAGELET_ROWS("resources_by_name") SAGELET_ANY_STATUS SAGELET_BY_NAME(">", "ASC"),
    SAGELET_ROWS("resources_by_name") SAGELET_ANY_STATUS SAGELET_BY_NAME("<", "DESC")};
constexpr Variants kByStatus = {
    SAGELET_ROWS("resources_by_status") SAGELET_ANY_STATUS SAGELET_BY_STATUS(">", "ASC"),
    SAGELET_ROWS("resources_by_status") SAGELET_ANY_STATUS SAGELET_BY_STATUS("<", "DESC")};

const char* statement_of(const Query& query) {
  const Variants& variants = query.sort == SortBy::kName     ? kByName
                             : query.sort == SortBy::kStatus ? kByStatus
                             : query.status.empty()          ? kByCreated
                                                             : kOfStatusByCreated;
  return query.descending ? variants.descending : variants.ascending;
}

void bind_position(Statement& statement, const Query& query) {
  if (query.after) {
    statement.bind(8, query.after->text).bind(9, query.after->number).bind(10, query.after->id);
  } else if (query.descending) {
    statement.bind_blob(8, "\xff").bind(9, kHighest).bind(10, kHighest);  // a blob sorts after every text
  } else {
    statement.bind(8, std::string_view("")).bind(9, kLowest).bind(10, kLowest);
  }
}

void bind_query(Statement& statement, const Scope& scope, const Query& query) {
  statement.bind(1, scope.text());
  statement.bind(2, query.created_after_ms.value_or(kLowest))
      .bind(3, query.created_before_ms.value_or(kHighest));
  statement.bind(4, query.modified_after_ms.value_or(kLowest))
      .bind(5, query.modified_before_ms.value_or(kHighest));
  statement.bind(6, query.name_contains).bind(7, query.status);
  bind_position(statement, query);
  statement.bind(12, query.summary_has);
  statement.bind(11, query.limit + 1);  // one more tells whether a page follows
}

Position position_of(const Statement& row, SortBy sort) {
  Position at{.number = row.integer(4), .id = row.integer(0)};
  if (sort == SortBy::kName) at.text = row.text(2);
  if (sort == SortBy::kStatus) at.text = row.text(3);
  return at;
}

}  // namespace

Result<Page> page(Connection& connection, const Scope& scope, const Query& query) {
  auto row = connection.prepare(statement_of(query));
  bind_query(row, scope, query);
  Page page;
  Position last;
  while (true) {
    TRY(const bool found, row.step());
    if (!found) return page;
    if (page.count == query.limit) {
      page.next = std::move(last);
      return page;
    }
    if (page.count++ > 0) page.rows += ',';
    page.rows += row.text(1);
    if (page.count == query.limit) last = position_of(row, query.sort);
  }
}

}  // namespace sagelet::resources
