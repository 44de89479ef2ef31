#pragma once
// GetLogEvents: one stream's events in pages.
#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::logs {

/// Tokens name the event a page ended (f/) or began (b/) at. The end is an empty page with the token that was
/// given, and stays one until events arrive.
Reply<Output> get_events(storage::Ledger& ledger, const Context& context, const Input& input);

}  // namespace sagelet::logs
