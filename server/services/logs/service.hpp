#pragma once
// CloudWatch Logs: groups, streams, events; kept in the ledger.
#include <memory>

#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::logs {

std::unique_ptr<Service> make_logs(storage::Ledger& ledger);

}  // namespace sagelet::logs
