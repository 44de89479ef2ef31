#pragma once
// Session credentials of jobs and of AssumeRole, in the ledger.
#include <memory>

#include "base/ids.hpp"
#include "server/services/ports.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::credentials {

/// Thread-safe. Credentials that are past their end go when others are kept.
std::unique_ptr<CredentialStore> make_store(storage::Ledger& ledger, const Clock& clock, Ids& ids);

}  // namespace sagelet::credentials
