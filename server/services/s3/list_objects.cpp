// ListObjects (v1) and ListObjectsV2.
#include <algorithm>

#include "server/services/s3/list_page.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::int64_t kMostOnAPage = 1000;

/// What both versions share of a request.
struct Asked {
  storage::ListQuery query;
  bool url = false;  ///< encoding-type=url
  std::int64_t max_keys = kMostOnAPage;
  bool has_delimiter = false;

  static Reply<Asked> from(const Input& in) {
    Asked asked;
    const auto given = in.number("MaxKeys", kMostOnAPage);
    if (given < 0)
      return errors::invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647",
                                      "maxKeys", std::to_string(given));
    asked.max_keys = std::min(given, kMostOnAPage);
    TRY(asked.url, wants_url(in));
    asked.query.prefix = in.text("Prefix");
    asked.query.delimiter = in.text("Delimiter");
    asked.query.limit = static_cast<std::size_t>(asked.max_keys);
    asked.has_delimiter = !asked.query.delimiter.empty();
    return asked;
  }

  std::string spelled(std::string_view text) const { return url ? url_encoded(text) : std::string(text); }
};

void write_object(model::Writer& to, const Asked& asked, const storage::ListedObject& object,
                  const User& owner) {
  to.begin_structure();
  write_text(to, "Key", asked.url ? url_encoded(object.key) : object.key);
  to.member("LastModified");
  to.time(object.modified);
  write_content(to, object);
  if (!owner.id.empty()) write_user(to, "Owner", owner);
  write_text(to, "StorageClass", object.storage_class);
  to.end_structure();
}

/// What both versions share of an answer.
void write_page(model::Writer& to, const Asked& asked, const storage::ListPage& page, const User& owner) {
  to.member("IsTruncated");
  to.boolean(page.truncated);
  to.member("Contents");
  to.begin_list();
  for (const auto& object : page.objects) write_object(to, asked, object, owner);
  to.end_list();
  write_text(to, "Prefix", asked.spelled(asked.query.prefix));
  if (asked.has_delimiter) write_text(to, "Delimiter", asked.spelled(asked.query.delimiter));
  write_prefixes(to, asked.max_keys, page.common_prefixes,
                 [&](std::string_view prefix) { return asked.spelled(prefix); });
  if (asked.url) write_text(to, "EncodingType", "url");
}

}  // namespace

User S3Service::owner_of(const Context& context, const Readable& readable) const {
  return accounts_.user_of(readable.bucket ? std::string_view(readable.bucket->account)
                                           : context.account().view());
}

Reply<storage::ListPage> S3Service::page_of(const Readable& readable, const storage::ListQuery& query,
                                            bool v1) {
  if (readable.upstream != nullptr) return readable.upstream->list(readable.name, query, v1);
  if (readable.seed != nullptr) return errors::lift(readable.seed->list(query));
  storage::ListPage page;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(page, storage::list_objects(db, readable.bucket->id, query));
    return {};
  })));
  return page;
}

Reply<Output> S3Service::list_objects(Context& context, Input in) {
  TRY(const auto bucket, listable(context, in, action::kListBucket));
  TRY(auto asked, Asked::from(in));
  asked.query.after = in.text("Marker");
  TRY(auto page, page_of(bucket, asked.query, true));
  Output output;
  output.rows = [asked = std::move(asked), page = std::move(page), name = in.text("Bucket"),
                 owner = owner_of(context, bucket)](model::Writer& to) {
    write_text(to, "Name", name);
    write_text(to, "Marker", asked.spelled(asked.query.after));
    if (page.truncated && asked.has_delimiter) write_text(to, "NextMarker", asked.spelled(page.last));
    write_page(to, asked, page, owner);
  };
  return output;
}

Reply<Output> S3Service::list_objects_v2(Context& context, Input in) {
  TRY(const auto bucket, listable(context, in, action::kListBucket));
  TRY(auto asked, Asked::from(in));
  asked.query.after = in.text("StartAfter");
  if (!in.text("ContinuationToken").empty()) {
    const auto position = from_token(in.text("ContinuationToken"));
    if (!position)
      return errors::invalid_argument("The continuation token provided is incorrect", "continuation-token",
                                      in.text("ContinuationToken"));
    asked.query.after = *position;
  }
  TRY(auto page, page_of(bucket, asked.query, false));
  Output output;
  output.rows = [asked = std::move(asked), page = std::move(page), name = in.text("Bucket"),
                 token = in.maybe_text("ContinuationToken"), start_after = in.maybe_text("StartAfter"),
                 owner = in.flag("FetchOwner") ? owner_of(context, bucket) : User()](model::Writer& to) {
    write_text(to, "Name", name);
    to.member("KeyCount");
    to.integer(static_cast<std::int64_t>(page.objects.size() + page.common_prefixes.size()));
    if (token) write_text(to, "ContinuationToken", *token);
    if (page.truncated) write_text(to, "NextContinuationToken", to_token(page.last));
    if (start_after) write_text(to, "StartAfter", asked.spelled(*start_after));
    write_page(to, asked, page, owner);
  };
  return output;
}

}  // namespace sagelet::s3
