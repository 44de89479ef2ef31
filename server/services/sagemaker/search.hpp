#pragma once
// Search over training jobs; other resources have no records here yet and give empty results.
#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::sagemaker {

/// Reads every record of the account and region: on the pool.
class Search {
 public:
  explicit Search(storage::Ledger& ledger) : ledger_(ledger) {}
  Reply<Output> run(const Context& context, const Input& input);

 private:
  storage::Ledger& ledger_;
};

}  // namespace sagelet::sagemaker
