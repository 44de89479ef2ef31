#pragma once
// From the ledger's answers to the client's: a change may refuse in AWS's words.
#include <functional>

#include "server/model/call.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::resources {

/// What a failure nobody foresaw (disk full, bug) is to the client; the log gets the detail.
api::Error unforeseen(const Error& error);

/// A lower room's result as a reply: failures are unforeseen().
template <class T>
Reply<T> lifted(Result<T> result) {
  if (!result) return unforeseen(result.error());
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*result);
  }
}

/// Decides inside the ledger's change; an error undoes it and is what the client reads.
using Decision = std::function<Reply<void>(storage::Connection&)>;

/// `output` is sent when the change is durable; `then` runs just before, unless the decision was a refusal.
Output answer_after(storage::Ledger& ledger, Decision decision, Output output = {},
                    std::function<void()> then = nullptr);
/// The same, waited for: only on the pool. Then output may depend on what the change found.
Reply<void> decide(storage::Ledger& ledger, Decision decision);
/// A snapshot read that may refuse in AWS's words.
Reply<void> look(storage::Ledger& ledger, const Decision& read);

}  // namespace sagelet::resources
