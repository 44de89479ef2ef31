#include "server/services/logs/service.hpp"

#include "server/services/logs/filter_events.hpp"
#include "server/services/logs/get_events.hpp"
#include "server/services/logs/groups.hpp"
#include "server/services/logs/put_events.hpp"
#include "server/services/logs/streams.hpp"

namespace sagelet::logs {

namespace {

class LogsService final : public TableService {
 public:
  explicit LogsService(storage::Ledger& ledger)
      : TableService(*model::find_service("logs")), ledger_(ledger), groups_(ledger), streams_(ledger) {
    group_operations();
    stream_operations();
    event_operations();
  }

 private:
  using GroupCall = Reply<Output> (Groups::*)(const Context&, const Input&);
  using StreamCall = Reply<Output> (Streams::*)(const Context&, const Input&);
  using EventCall = Reply<Output> (*)(storage::Ledger&, const Context&, const Input&);

  void group_operations() {
    group("CreateLogGroup", &Groups::create);
    group("DescribeLogGroups", &Groups::describe);
    group("DeleteLogGroup", &Groups::remove);
    group("PutRetentionPolicy", &Groups::put_retention);
    group("DeleteRetentionPolicy", &Groups::delete_retention);
    for (const char* name : {"TagLogGroup", "TagResource"}) group(name, &Groups::tag);
    for (const char* name : {"UntagLogGroup", "UntagResource"}) group(name, &Groups::untag);
    for (const char* name : {"ListTagsLogGroup", "ListTagsForResource"}) group(name, &Groups::list_tags);
  }

  void stream_operations() {
    stream("CreateLogStream", &Streams::create);
    stream("DescribeLogStreams", &Streams::describe);
    stream("DeleteLogStream", &Streams::remove);
  }

  void event_operations() {
    event("PutLogEvents", put_events);
    event("GetLogEvents", get_events);
    event("FilterLogEvents", filter_events);
  }

  void group(std::string_view operation, GroupCall call) {
    on(operation, [this, call](Context& context, Input input) { return (groups_.*call)(context, input); });
  }
  void stream(std::string_view operation, StreamCall call) {
    on(operation, [this, call](Context& context, Input input) { return (streams_.*call)(context, input); });
  }
  /// Pages of events are up to 1 MiB and batches wait for the ledger: on the pool.
  void event(std::string_view operation, EventCall call) {
    on_waiting(operation,
               [this, call](Context& context, Input input) { return call(ledger_, context, input); });
  }

  storage::Ledger& ledger_;
  Groups groups_;
  Streams streams_;
};

}  // namespace

std::unique_ptr<Service> make_logs(storage::Ledger& ledger) {
  return std::make_unique<LogsService>(ledger);
}

}  // namespace sagelet::logs
