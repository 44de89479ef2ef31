#pragma once
// Log groups: create, describe, delete, retention, tags.
#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::logs {

class Groups {
 public:
  explicit Groups(storage::Ledger& ledger) : ledger_(ledger) {}

  Reply<Output> create(const Context& context, const Input& input);
  Reply<Output> describe(const Context& context, const Input& input);
  Reply<Output> remove(const Context& context, const Input& input);
  Reply<Output> put_retention(const Context& context, const Input& input);
  Reply<Output> delete_retention(const Context& context, const Input& input);
  /// TagLogGroup and TagResource; UntagLogGroup and UntagResource; ListTagsLogGroup and ListTagsForResource.
  Reply<Output> tag(const Context& context, const Input& input);
  Reply<Output> untag(const Context& context, const Input& input);
  Reply<Output> list_tags(const Context& context, const Input& input);

 private:
  Reply<Output> set_retention(const Context& context, const std::string& name, std::int64_t days);
  Reply<Output> change_tags(const Context& context, const Input& input,
                            std::function<void(Document&)> change);

  storage::Ledger& ledger_;
};

}  // namespace sagelet::logs
