#include "server/services/logs/put_events.hpp"

#include <algorithm>
#include <chrono>

#include "fmt/format.h"
#include "server/resources/decide.hpp"
#include "server/services/logs/lookup.hpp"
#include "server/services/logs/rows.hpp"

namespace sagelet::logs {

using resources::lifted;
using storage::Connection;

namespace {

constexpr std::int64_t kLargestBatch = 1 << 20;
constexpr std::int64_t kHour = 3600 * 1000, kDay = 24 * kHour;

std::vector<Event> events_of(const Input& input, std::int64_t now_ms) {
  std::vector<Event> events;
  for (const auto& event : input.params.at("logEvents"))
    events.push_back(
        {.time_ms = event.at("timestamp"), .ingested_ms = now_ms, .message = event.at("message")});
  return events;
}

Reply<void> refuse_bad_batch(const std::vector<Event>& events) {
  std::int64_t bytes = 0;
  for (const Event& event : events) bytes += billed_bytes(event.message);
  if (bytes > kLargestBatch)
    return invalid_parameter(
        fmt::format("Upload too large: {} bytes exceeds limit of {}", bytes, kLargestBatch));
  const auto in_order = [](const Event& a, const Event& b) { return a.time_ms < b.time_ms; };
  if (!std::is_sorted(events.begin(), events.end(), in_order))
    return invalid_parameter("Log events in a single PutLogEvents request must be in chronological order.");
  if (events.back().time_ms - kDay > events.front().time_ms)
    return invalid_parameter(
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  return {};
}

/// Drops what CloudWatch would not take and says so by index.
Document reject(std::vector<Event>& events, std::int64_t now_ms, std::int64_t retention_days) {
  Document rejected = Document::object();
  const auto index_of = [&](std::int64_t time_ms) {
    const auto at =
        std::lower_bound(events.begin(), events.end(), time_ms,
                         [](const Event& event, std::int64_t time) { return event.time_ms < time; });
    return at - events.begin();
  };
  const auto too_new = index_of(now_ms + 2 * kHour + 1);
  const auto too_old = index_of(now_ms - 14 * kDay);
  const auto expired = retention_days > 0 ? index_of(now_ms - retention_days * kDay) : 0;
  if (too_new < static_cast<std::ptrdiff_t>(events.size())) rejected["tooNewLogEventStartIndex"] = too_new;
  if (too_old > 0) rejected["tooOldLogEventEndIndex"] = too_old;
  if (expired > 0) rejected["expiredLogEventEndIndex"] = expired;
  events.erase(events.begin() + too_new, events.end());
  events.erase(events.begin(),
               events.begin() + std::min<std::ptrdiff_t>(std::max(too_old, expired), too_new));
  return rejected;
}

api::Error token_error(std::string code, std::string message, std::int64_t expected) {
  auto error = api::Error::make(std::move(code), message + sequence_token(expected));
  error.members.emplace_back("expectedSequenceToken", sequence_token(expected));
  return error;
}

Reply<void> check_token(const std::optional<std::string>& token, const Stream& stream) {
  if (!token || *token == sequence_token(stream.batches)) return {};
  if (stream.batches > 0 && *token == sequence_token(stream.batches - 1))
    return token_error(
        "DataAlreadyAcceptedException",
        "The given batch of log events has already been accepted. The next batch can be sent with "
        "sequenceToken: ",
        stream.batches);
  return token_error(
      "InvalidSequenceTokenException",
      "The given sequenceToken is invalid. The next expected sequenceToken is: ", stream.batches);
}

}  // namespace

Reply<Output> put_events(storage::Ledger& ledger, const Context& context, const Input& input) {
  const std::int64_t now = to_millis(context.now());
  const auto given = events_of(input, now);
  TRY(refuse_bad_batch(given));
  const auto token = input.maybe_text("sequenceToken");
  Output output;
  auto kept = resources::decide(ledger, [&](Connection& connection) -> Reply<void> {
    TRY(const Group group, named_group(connection, scope_of(context), input.text("logGroupName")));
    TRY(Stream stream, named_stream(connection, group, input.text("logStreamName")));
    TRY(check_token(token, stream));
    auto events = given;
    const Document rejected = reject(events, now, group.retention_days);
    if (!rejected.empty()) output.fields["rejectedLogEventsInfo"] = rejected;
    output.fields["nextSequenceToken"] = sequence_token(stream.batches + 1);
    return lifted(append(connection, stream, events, now));
  });
  TRY(std::move(kept));
  return output;
}

}  // namespace sagelet::logs
