#include "server/services/logs/streams.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "fmt/format.h"
#include "server/resources/decide.hpp"
#include "server/services/logs/lookup.hpp"

namespace sagelet::logs {

using resources::answer_after;
using resources::lifted;
using storage::Connection;

namespace {

Document shown(const Context& context, const Group& group, const Stream& stream) {
  Document row{{"logStreamName", stream.name},
               {"creationTime", stream.created_ms},
               {"uploadSequenceToken", sequence_token(stream.batches)},
               {"arn", fmt::format("{}:log-stream:{}", group_arn(context, group.name), stream.name)},
               {"storedBytes", stream.stored_bytes}};
  if (stream.first_event_ms) row["firstEventTimestamp"] = *stream.first_event_ms;
  if (stream.last_event_ms) row["lastEventTimestamp"] = *stream.last_event_ms;
  if (stream.last_ingestion_ms) row["lastIngestionTime"] = *stream.last_ingestion_ms;
  return row;
}

/// The page behind the stream called `after`, one more than `limit` when more remain.
Result<std::vector<Stream>> by_last_event(Connection& connection, const Group& group, bool descending,
                                          const std::string& after, std::size_t limit) {
  TRY(auto all, streams_by_last_event(connection, group.id));
  if (descending) std::reverse(all.begin(), all.end());
  const auto seen =
      std::find_if(all.begin(), all.end(), [&](const Stream& stream) { return stream.name == after; });
  if (seen != all.end()) all.erase(all.begin(), seen + 1);
  if (all.size() > limit + 1) all.resize(limit + 1);
  return all;
}

}  // namespace

Reply<Output> Streams::create(const Context& context, const Input& input) {
  const std::string group_name = input.text("logGroupName");
  Stream stream{.name = input.text("logStreamName"), .created_ms = to_millis(context.now())};
  if (stream.name.find_first_of(":*") != std::string::npos)
    return invalid_parameter(
        fmt::format("Value '{}' at 'logStreamName' must not contain ':' or '*'", stream.name));
  return answer_after(
      ledger_,
      [stream, group_name, scope = scope_of(context)](Connection& connection) mutable -> Reply<void> {
        TRY(const Group group, named_group(connection, scope, group_name));
        stream.group = group.id;
        const auto kept = insert_stream(connection, stream);
        if (kept) return {};
        if (!kept.error().is(ErrorKind::kAlreadyExists)) return resources::unforeseen(kept.error());
        return api::Error::make("ResourceAlreadyExistsException", "The specified log stream already exists");
      });
}

Reply<Output> Streams::describe(const Context& context, const Input& input) {
  TRY(const std::string name, group_name(input));
  const auto limit = static_cast<std::size_t>(input.number("limit", 50));
  const bool by_time = input.text("orderBy") == "LastEventTime", descending = input.flag("descending");
  const std::string& prefix = input.text("logStreamNamePrefix");
  if (by_time && !prefix.empty())
    return invalid_parameter("Cannot order by LastEventTime with a logStreamNamePrefix.");
  std::string after;
  if (input.has("nextToken") && !from_base64(input.text("nextToken"), after))
    return invalid_parameter("The specified nextToken is invalid.");
  Output output;
  Document& rows = output.fields["logStreams"] = Document::array();
  TRY(resources::look(ledger_, [&](Connection& connection) -> Reply<void> {
    TRY(const Group group, named_group(connection, scope_of(context), name));
    TRY(auto found, lifted(by_time ? by_last_event(connection, group, descending, after, limit)
                                   : streams_by_name(connection, group.id, prefix, descending, after,
                                                     static_cast<int>(limit) + 1)));
    if (found.size() > limit) {
      found.pop_back();
      output.fields["nextToken"] = to_base64(found.back().name);
    }
    for (const Stream& stream : found) rows.push_back(shown(context, group, stream));
    return {};
  }));
  return output;
}

Reply<Output> Streams::remove(const Context& context, const Input& input) {
  return answer_after(ledger_,
                      [group_name = input.text("logGroupName"), name = input.text("logStreamName"),
                       scope = scope_of(context)](Connection& connection) -> Reply<void> {
                        TRY(const Group group, named_group(connection, scope, group_name));
                        TRY(const Stream stream, named_stream(connection, group, name));
                        return lifted(erase_stream(connection, stream));
                      });
}

}  // namespace sagelet::logs
