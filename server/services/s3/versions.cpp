// GetBucketVersioning, PutBucketVersioning, ListObjectVersions.
#include "server/services/s3/versions.hpp"

#include <algorithm>

#include "server/services/s3/list_page.hpp"
#include "server/storage/version_listing.hpp"
#include "server/storage/version_rows.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::int64_t kMostOnAPage = 1000;
constexpr std::size_t kVersionLength = 32;

struct Asked {
  storage::VersionQuery query;
  std::string name;
  bool url = false;
  std::int64_t max_keys = kMostOnAPage;
  std::string version_marker;  ///< as given

  std::string spelled(std::string_view text) const { return url ? url_encoded(text) : std::string(text); }
};

Reply<Asked> asked_from(const Input& in) {
  Asked asked;
  const auto given = in.number("MaxKeys", kMostOnAPage);
  if (given < 0)
    return errors::invalid_argument("Argument max-keys must be an integer between 0 and 2147483647",
                                    "max-keys", std::to_string(given));
  asked.max_keys = std::min(given, kMostOnAPage);
  asked.name = in.text("Bucket");
  TRY(asked.url, wants_url(in));
  asked.version_marker = in.text("VersionIdMarker");
  auto& query = asked.query;
  query.prefix = in.text("Prefix");
  query.delimiter = in.text("Delimiter");
  query.after_key = in.text("KeyMarker");
  query.limit = static_cast<std::size_t>(asked.max_keys);
  if (asked.version_marker.empty()) return asked;
  if (query.after_key.empty())
    return errors::invalid_argument("A version-id marker cannot be specified without a key marker.",
                                    "version-id-marker", asked.version_marker);
  query.after_version = stored_version(asked.version_marker);
  return asked;
}

/// A seeded folder has of each key the null version.
storage::VersionPage as_versions(storage::ListPage listed) {
  storage::VersionPage page;
  for (auto& object : listed.objects) page.versions.push_back({std::move(object), "", false, true});
  page.common_prefixes = std::move(listed.common_prefixes);
  page.truncated = listed.truncated;
  page.last_key = std::move(listed.last);
  page.ends_with_prefix = true;
  return page;
}

void write_version(model::Writer& to, const Asked& asked, const storage::ListedVersion& version,
                   const User& owner) {
  to.begin_structure();
  if (!version.marker) {
    write_content(to, version.object);
    write_text(to, "StorageClass", version.object.storage_class);
  }
  write_text(to, "Key", asked.spelled(version.object.key));
  write_text(to, "VersionId", shown_version(version.version));
  to.member("IsLatest");
  to.boolean(version.latest);
  to.member("LastModified");
  to.time(version.object.modified);
  write_user(to, "Owner", owner);
  to.end_structure();
}

void write_markers(model::Writer& to, const Asked& asked, const storage::VersionPage& page) {
  to.member("IsTruncated");
  to.boolean(page.truncated);
  write_text(to, "KeyMarker", asked.spelled(asked.query.after_key));
  write_text(to, "VersionIdMarker", asked.version_marker);
  if (!page.truncated) return;
  write_text(to, "NextKeyMarker", asked.spelled(page.last_key));
  if (!page.ends_with_prefix) write_text(to, "NextVersionIdMarker", shown_version(page.last_version));
}

void write_page(model::Writer& to, const Asked& asked, const storage::VersionPage& page, const User& owner) {
  write_markers(to, asked, page);
  for (const bool markers : {false, true}) {
    to.member(markers ? "DeleteMarkers" : "Versions");
    to.begin_list();
    for (const auto& version : page.versions)
      if (version.marker == markers) write_version(to, asked, version, owner);
    to.end_list();
  }
  write_text(to, "Name", asked.name);
  write_text(to, "Prefix", asked.spelled(asked.query.prefix));
  if (!asked.query.delimiter.empty()) write_text(to, "Delimiter", asked.spelled(asked.query.delimiter));
  write_prefixes(to, asked.max_keys, page.common_prefixes,
                 [&](std::string_view prefix) { return asked.spelled(prefix); });
  if (asked.url) write_text(to, "EncodingType", "url");
}

}  // namespace

std::string new_version(const storage::Bucket& bucket, Ids& ids) {
  if (bucket.versioning != storage::Versioning::kEnabled) return {};
  return ids.lower_alnum(kVersionLength);
}

std::string S3Service::new_version(const storage::Bucket& bucket) {
  return s3::new_version(bucket, ids_);
}

Result<bool> hide_or_remove(Connection& db, const storage::Bucket& bucket, const std::string& key,
                            const std::string& marker, WallTime now, Freed& freed) {
  if (bucket.versioning == storage::Versioning::kNever)
    return storage::delete_object(db, bucket.id, key, freed);
  TRY(storage::put_marker(db, bucket.id, key, marker, now, freed));
  return true;
}

Status S3Service::check_version(const storage::Bucket& now, std::string_view version,
                                const errors::Refusal& refusal) {
  if (version.empty() && now.versioning == storage::Versioning::kEnabled)
    return refusal.with(errors::operation_aborted());
  return {};
}

Reply<Output> S3Service::get_bucket_versioning(Context& context, Input in) {
  TRY(const auto found, readable(context, in, action::kGetBucketVersioning));
  Output output;
  if (found.bucket && found.bucket->versioning != storage::Versioning::kNever)
    output.fields["Status"] =
        found.bucket->versioning == storage::Versioning::kEnabled ? "Enabled" : "Suspended";
  return output;
}

Reply<Output> S3Service::put_bucket_versioning(Context& context, Input in) {
  TRY(const auto permit, permitted(context, in.params, action::kPutBucketVersioning));
  const auto given = in.params.find("VersioningConfiguration");
  const auto status = given == in.params.end() ? std::string() : given->value("Status", "");
  if (status != "Enabled" && status != "Suspended") return errors::malformed_xml();
  if (given->value("MFADelete", "") == "Enabled") return errors::not_implemented("x-amz-mfa");
  const auto versioning =
      status == "Enabled" ? storage::Versioning::kEnabled : storage::Versioning::kSuspended;
  const errors::Refusal refusal;
  auto ticket =
      objects_.commit([this, permit, refusal, versioning](Connection& db, storage::BodyId, Freed&) -> Status {
        TRY(const auto now, permitted(db, permit, refusal));
        TRY(const auto locks, storage::find_setting(db, now.id, kObjectLock));
        if (locks && versioning == storage::Versioning::kSuspended)
          return refusal.with(
              errors::invalid_bucket_state("An Object Lock configuration is present on this bucket, so the "
                                           "versioning state cannot be changed."));
        return storage::set_versioning(db, now.id, versioning);
      });
  return answer_after(Output(), refusal, std::move(ticket));
}

Reply<Output> S3Service::list_object_versions(Context& context, Input in) {
  TRY(const auto bucket, readable(context, in, action::kListBucketVersions));
  TRY(auto asked, asked_from(in));
  storage::VersionPage page;
  if (bucket.seed != nullptr) {
    const auto& query = asked.query;
    TRY(auto listed, page_of(bucket, {query.prefix, query.delimiter, query.after_key, query.limit}, false));
    page = as_versions(std::move(listed));
  } else {
    TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
      TRY(page, storage::list_versions(db, bucket.bucket->id, asked.query));
      return {};
    })));
  }
  Output output;
  output.rows = [asked = std::move(asked), page = std::move(page), owner = owner_of(context, bucket)](
                    model::Writer& to) { write_page(to, asked, page, owner); };
  return output;
}

}  // namespace sagelet::s3
