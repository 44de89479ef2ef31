#pragma once
// PutLogEvents.
#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::logs {

/// Waits for the ledger: on the pool. A batch that is sent twice with its sequence token is kept once.
Reply<Output> put_events(storage::Ledger& ledger, const Context& context, const Input& input);

}  // namespace sagelet::logs
