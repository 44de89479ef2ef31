#include "server/resources/records.hpp"

#include "fmt/format.h"

namespace sagelet::resources {

using storage::Connection;
using storage::Statement;

Scope::Scope(std::string_view noun, const AccountId& account, std::string_view region)
    : text_(fmt::format("{}|{}|{}", noun, account.view(), region)) {}

std::string Record::answer() const {
  std::string text;
  text.reserve(fixed.size() + changing.size() + 3);
  text += '{';
  text += fixed;
  if (!fixed.empty() && !changing.empty()) text += ',';
  text += changing;
  text += '}';
  return text;
}

namespace {

#define SAGELET_RECORD                                                                                 \
  "SELECT r.id, r.name, r.status, r.created, r.modified, coalesce(r.handle, ''), r.summary, b.fixed, " \
  "b.changing, b.hidden, b.tags FROM resources r JOIN resource_bodies b ON b.id = r.id "

Record read_record(const Statement& row) {
  Record record;
  record.id = row.integer(0);
  record.name = row.text(1);
  record.status = row.text(2);
  record.created_ms = row.integer(3);
  record.modified_ms = row.integer(4);
  record.handle = row.text(5);
  record.summary = row.text(6);
  record.fixed = row.text(7);
  record.changing = row.text(8);
  record.hidden = row.text(9);
  record.tags = row.text(10);
  return record;
}

Status insert_body(Connection& connection, const Record& record) {
  auto body = connection.prepare("INSERT INTO resource_bodies VALUES (?, ?, ?, ?, ?)");
  body.bind(1, record.id)
      .bind(2, record.fixed)
      .bind(3, record.changing)
      .bind(4, record.hidden)
      .bind(5, record.tags);
  return body.run();
}

}  // namespace

Status insert(Connection& connection, const Scope& scope, Record& record) {
  auto row = connection.prepare(
      "INSERT INTO resources(scope, name, status, created, modified, handle, summary) VALUES (?, ?, ?, ?, ?, "
      "?, ?)");
  row.bind(1, scope.text()).bind(2, record.name).bind(3, record.status);
  row.bind(4, record.created_ms).bind(5, record.modified_ms);
  if (record.handle.empty()) {
    row.bind_null(6);
  } else {
    row.bind(6, record.handle);
  }
  row.bind(7, record.summary);
  TRY(row.run());
  record.id = connection.last_row_id();
  return insert_body(connection, record);
}

Result<Record> find(Connection& connection, const Scope& scope, std::string_view name) {
  auto row = connection.prepare(SAGELET_RECORD "WHERE r.scope = ? AND r.name = ?");
  row.bind(1, scope.text()).bind(2, name);
  TRY(const bool found, row.step());
  if (!found) return Error(ErrorKind::kNotFound, fmt::format("no record {} in {}", name, scope.text()));
  return read_record(row);
}

Result<Record> find_by_id(Connection& connection, std::int64_t id) {
  auto row = connection.prepare(SAGELET_RECORD "WHERE r.id = ?");
  row.bind(1, id);
  TRY(const bool found, row.step());
  if (!found) return Error(ErrorKind::kNotFound, fmt::format("no record {}", id));
  return read_record(row);
}

Result<Record> find_by_handle(Connection& connection, std::string_view handle) {
  auto row = connection.prepare(SAGELET_RECORD "WHERE r.handle = ?");
  row.bind(1, handle);
  TRY(const bool found, row.step());
  if (!found) return Error(ErrorKind::kNotFound, fmt::format("no record with the handle {}", handle));
  return read_record(row);
}

Status update(Connection& connection, const Record& record) {
  auto row =
      connection.prepare("UPDATE resources SET status = ?2, modified = ?3, summary = ?4 WHERE id = ?1");
  row.bind(1, record.id).bind(2, record.status).bind(3, record.modified_ms).bind(4, record.summary);
  TRY(row.run());
  auto body = connection.prepare("UPDATE resource_bodies SET changing = ?2, hidden = ?3 WHERE id = ?1");
  body.bind(1, record.id).bind(2, record.changing).bind(3, record.hidden);
  return body.run();
}

Status replace_fixed(Connection& connection, std::int64_t id, std::string_view fixed) {
  return connection.prepare("UPDATE resource_bodies SET fixed = ?2 WHERE id = ?1")
      .bind(1, id)
      .bind(2, fixed)
      .run();
}

Status replace_handle(Connection& connection, std::int64_t id, std::string_view handle) {
  return connection.prepare("UPDATE resources SET handle = ?2 WHERE id = ?1")
      .bind(1, id)
      .bind(2, handle)
      .run();
}

Status replace_tags(Connection& connection, std::int64_t id, std::string_view tags) {
  return connection.prepare("UPDATE resource_bodies SET tags = ?2 WHERE id = ?1")
      .bind(1, id)
      .bind(2, tags)
      .run();
}

Status erase(Connection& connection, std::int64_t id) {
  TRY(connection.prepare("DELETE FROM resources WHERE id = ?").bind(1, id).run());
  return connection.prepare("DELETE FROM resource_bodies WHERE id = ?").bind(1, id).run();
}

Status each(Connection& connection, const Scope& scope, const std::function<bool(Record&)>& visit) {
  auto row = connection.prepare(SAGELET_RECORD "WHERE r.scope = ? ORDER BY r.created DESC, r.id DESC");
  row.bind(1, scope.text());
  while (true) {
    TRY(const bool found, row.step());
    if (!found) return {};
    Record record = read_record(row);
    if (!visit(record)) return {};
  }
}

}  // namespace sagelet::resources
