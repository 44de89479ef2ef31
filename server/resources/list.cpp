#include "server/resources/list.hpp"

#include <charconv>
#include <cmath>

#include "base/digest.hpp"
#include "fmt/format.h"
#include "server/resources/decide.hpp"

namespace sagelet::resources {

namespace {

/// FNV-1a over the members that a token is tied to.
std::uint64_t fingerprint(const Input& input) {
  std::uint64_t hash = 14695981039346656037ull;
  const auto eat = [&](std::string_view text) {
    for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211ull;
    hash = (hash ^ 0xff) * 1099511628211ull;
  };
  for (const auto& [name, value] : input.params.items()) {
    if (name == "NextToken" || name == "MaxResults") continue;
    eat(name);
    eat(value.dump());
  }
  return hash;
}

std::optional<std::int64_t> millis(const Input& input, std::string_view member) {
  const auto found = input.params.find(member);
  if (found == input.params.end() || !found->is_number()) return std::nullopt;
  const double ms = found->get<double>() * 1000;
  if (!(std::abs(ms) < 9e18)) return std::nullopt;
  return std::llround(ms);
}

SortBy sort_of(const ResourceType& type, const Input& input) {
  const auto sort = input.maybe_text("SortBy");
  if (!sort) return type.default_sort;
  if (*sort == "Name") return SortBy::kName;
  if (*sort == "Status") return SortBy::kStatus;
  return SortBy::kCreationTime;
}

api::Error bad_token() {
  return api::Error::make("ValidationException", "The provided NextToken is invalid.");
}

bool read_number(std::string_view text, auto& number, int base = 10) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

/// Up to the next ':'; the rest stays in `text`.
std::string_view take(std::string_view& text) {
  const auto end = text.find(':');
  const auto part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

}  // namespace

std::string token_of(const Position& position, const Input& input) {
  return to_base64(
      fmt::format("1:{:x}:{}:{}:{}", fingerprint(input), position.number, position.id, position.text));
}

Reply<Position> position_from(const std::string& token, const Input& input) {
  std::string plain;
  if (!from_base64(token, plain)) return bad_token();
  std::string_view rest = plain;
  std::uint64_t tied_to = 0;
  Position position;
  const bool whole = take(rest) == "1" && read_number(take(rest), tied_to, 16) &&
                     read_number(take(rest), position.number) && read_number(take(rest), position.id);
  if (!whole || tied_to != fingerprint(input)) return bad_token();
  position.text = rest;
  return position;
}

Reply<Query> query_of(const ResourceType& type, const Input& input) {
  Query query;
  query.sort = sort_of(type, input);
  const auto order = input.maybe_text("SortOrder");
  query.descending = order ? *order == "Descending" : type.default_descending;
  query.name_contains = input.text("NameContains");
  query.status = input.text("StatusEquals");
  query.created_after_ms = millis(input, "CreationTimeAfter");
  query.created_before_ms = millis(input, "CreationTimeBefore");
  query.modified_after_ms = millis(input, "LastModifiedTimeAfter");
  query.modified_before_ms = millis(input, "LastModifiedTimeBefore");
  query.limit = static_cast<int>(input.number("MaxResults", 10));
  if (const auto token = input.maybe_text("NextToken")) {
    TRY(query.after, position_from(*token, input));
  }
  return query;
}

std::string list_answer(std::string_view member, const Page& page, const Input& input) {
  std::string text;
  text.reserve(page.rows.size() + member.size() + 160);
  text.append("{\"").append(member).append("\":[").append(page.rows).append("]");
  if (page.next) text.append(",\"NextToken\":\"").append(token_of(*page.next, input)).append("\"");
  text += '}';
  return text;
}

Reply<Output> list(storage::Ledger& ledger, const Context& context, const ResourceType& type,
                   const Input& input, const std::function<void(Query&)>& narrow) {
  TRY(Query query, query_of(type, input));
  if (narrow) narrow(query);
  Output output;
  TRY(look(ledger, [&](storage::Connection& connection) -> Reply<void> {
    TRY(const Page found, lifted(page(connection, type.scope(context), query)));
    output.ready = list_answer(type.list_member, found, input);
    return {};
  }));
  return output;
}

Reply<Output> describe(storage::Ledger& ledger, const Context& context, const ResourceType& type,
                       const Input& input) {
  const std::string& name = input.text(type.name_member);
  Output output;
  TRY(look(ledger, [&](storage::Connection& connection) -> Reply<void> {
    const auto record = find(connection, type.scope(context), name);
    if (record) {
      output.ready = record->answer();
      return {};
    }
    return record.error().is(ErrorKind::kNotFound) ? type.missing(context, name) : unforeseen(record.error());
  }));
  return output;
}

}  // namespace sagelet::resources
