#pragma once
// Log streams: create, describe, delete.
#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::logs {

class Streams {
 public:
  explicit Streams(storage::Ledger& ledger) : ledger_(ledger) {}

  Reply<Output> create(const Context& context, const Input& input);
  /// nextToken only when more streams remain: SDK v2 asks again, without it, as long as one is there.
  Reply<Output> describe(const Context& context, const Input& input);
  Reply<Output> remove(const Context& context, const Input& input);

 private:
  storage::Ledger& ledger_;
};

}  // namespace sagelet::logs
