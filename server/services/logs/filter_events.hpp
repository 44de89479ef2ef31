#pragma once
// FilterLogEvents: many streams' events, interleaved by time.
#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::logs {

Reply<Output> filter_events(storage::Ledger& ledger, const Context& context, const Input& input);

}  // namespace sagelet::logs
