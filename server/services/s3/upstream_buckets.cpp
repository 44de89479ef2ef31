// Buckets that are not ours but the upstream store's: who may read them, and what becomes of writes.
#include "fmt/format.h"
#include "server/services/s3/encryption.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

upstream::Upstream* S3Service::upstream(std::string_view bucket) {
  if (!upstream_ || !upstream_->covers(bucket) || !valid_bucket_name(bucket) || seed(bucket) != nullptr)
    return nullptr;
  bool ours = true;
  const auto read = ledger_.read([&](Connection& db) -> Status {
    TRY(const auto found, storage::find_bucket(db, bucket));
    ours = found.has_value();
    return {};
  });
  return read && !ours ? upstream_.get() : nullptr;
}

Reply<upstream::Upstream*> S3Service::upstream_for(const Context& context, std::string_view bucket) {
  auto* const found = upstream(bucket);
  if (found != nullptr && context.identity.anonymous()) return errors::access_denied();
  return found;
}

Reply<Readable> S3Service::listable(const Context& context, const Input& in, const Action& action) {
  TRY(auto* const other, upstream_for(context, in.text("Bucket")));
  if (other == nullptr) return readable(context, in, action);
  return Readable{std::nullopt, nullptr, other->region(), other, in.text("Bucket")};
}

Reply<bool> S3Service::written_through(const Context& context, std::string_view bucket) {
  TRY(const auto* const other, upstream_for(context, bucket));
  if (other == nullptr) return false;
  if (other->write_through()) return true;
  return api::Error::make(
      "AccessDenied",
      fmt::format(
          "{} is a bucket of the upstream store {} and read-only here. Set s3.upstream.write_through: "
          "true to write to it, or write to a bucket of your own.",
          bucket, other->url()),
      403);
}

Reply<void> S3Service::refuse_upstream(const Context& context, std::string_view bucket,
                                       const Action& action) {
  TRY(const auto* const other, upstream_for(context, bucket));
  if (other == nullptr) return {};
  const bool reads = action.name.starts_with("s3:Get") || action.name.starts_with("s3:List");
  if (!reads) TRY(written_through(context, bucket));
  return api::Error::make(
      "NotImplemented",
      fmt::format("{} is a bucket of the upstream store {}: it can be listed, and its objects read, written "
                  "and deleted; for the rest ask the store itself.",
                  bucket, other->url()),
      501);
}

Reply<OpenedObject> S3Service::open_from(upstream::Upstream& other, const Context& context,
                                         const ObjectName& name, const Action& action, Want want) {
  if (action.name != action::kGetObject.name && action.name != action::kGetObjectAttributes.name)
    TRY(refuse_upstream(context, name.bucket, action));
  if (!is_null_or_newest(name.version)) return errors::no_such_version(name.key, name.version);
  if (want == Want::kBytes) {
    TRY(auto object, other.open(name.bucket, name.key));
    return OpenedObject{std::move(object), {}};
  }
  TRY(auto found, other.find(name.bucket, name.key));
  return OpenedObject{std::move(found.object), {}};
}

/// The store's ETag is the object's, whatever we computed.
Reply<Output> S3Service::put_upstream(Output output, const std::string& bucket, storage::ObjectRow row,
                                      storage::Staged staged, const WriteConditions& conditions) {
  if (has_customer_key(storage::unpack(row.properties)))
    return errors::not_implemented("x-amz-server-side-encryption-customer-algorithm");
  std::vector<std::pair<std::string, std::string>> headers;
  if (conditions.if_match) headers.emplace_back("If-Match", *conditions.if_match);
  if (conditions.if_none_match) headers.emplace_back("If-None-Match", *conditions.if_none_match);
  TRY(const auto etag, upstream_->put(bucket, std::move(row), std::move(staged), std::move(headers)));
  auto copied = output.fields.find("CopyObjectResult");
  (copied == output.fields.end() ? output.fields : *copied)["ETag"] = quoted_etag(etag);
  return output;
}

}  // namespace sagelet::s3
