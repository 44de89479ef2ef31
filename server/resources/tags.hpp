#pragma once
// Tags of resources: AddTags, ListTags, DeleteTags by ARN.
#include <span>

#include "server/resources/resource_type.hpp"

namespace sagelet::resources {

/// The Tags member of a create request as a record keeps it. Reserved keys are refused; of equal keys the
/// last counts.
Reply<std::string> tags_of(const Input& input);

/// Thread-safe. add() and remove() wait for the ledger: only on the pool.
class Tags {
 public:
  Tags(storage::Ledger& ledger, std::span<const ResourceType* const> types)
      : ledger_(ledger), types_(types) {}

  Reply<Output> add(const Context& context, const Input& input);
  Reply<Output> list(const Context& context, const Input& input);
  Reply<Output> remove(const Context& context, const Input& input);

 private:
  Reply<Record> named(storage::Connection& connection, const Context& context, std::string_view arn) const;

  storage::Ledger& ledger_;
  std::span<const ResourceType* const> types_;
};

}  // namespace sagelet::resources
