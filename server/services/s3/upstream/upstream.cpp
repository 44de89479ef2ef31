#include "server/services/s3/upstream/upstream.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "fmt/format.h"
#include "server/services/s3/errors.hpp"
#include "server/services/s3/names.hpp"

namespace sagelet::s3::upstream {

using Want = storage::ObjectStore::Want;

Upstream::Upstream(Options options, storage::ObjectStore& objects, const Clock& clock)
    : objects_(objects), remote_(std::move(options)), cache_(remote_.options(), objects, clock) {}

bool Upstream::covers(std::string_view bucket) const {
  return std::ranges::any_of(remote_.options().buckets,
                             [&](const std::string& one) { return one == "*" || one == bucket; });
}

Reply<Upstream::Found> Upstream::find(const std::string& bucket, const std::string& key) {
  TRY(auto cached, errors::lift(cache_.find(bucket, key, Want::kBytes)));
  if (cached && cache_.is_fresh(bucket, key)) return Found{std::move(*cached), true};
  if (cached) return revalidated(bucket, key, std::move(*cached));
  TRY(auto row, remote_.head(bucket, key));
  Found found;
  found.object.row = std::move(*row);
  return found;
}

/// What was replaced is forgotten when its successor is kept; what is gone, at once.
Reply<Upstream::Found> Upstream::revalidated(const std::string& bucket, const std::string& key,
                                             storage::OpenObject cached) {
  auto now = remote_.head(bucket, key, cached.row.etag);
  if (!now && now.error().status == 404) {
    if (auto gone = cache_.forget(bucket, key); !gone) log::warn("s3 upstream: {}", gone.error().message());
    return now.error();
  }
  if (!now && now.error().status < 500) return now.error();
  if (now && *now) {
    Found found;
    found.object.row = std::move(**now);
    return found;
  }
  if (now) cache_.mark_fresh(bucket, key);
  return Found{std::move(cached), true};
}

Reply<storage::OpenObject> Upstream::open(const std::string& bucket, const std::string& key) {
  TRY(auto found, find(bucket, key));
  if (found.cached) return std::move(found.object);
  const auto row = found.object.row;
  TRY(const auto bytes, stream(bucket, row, {0, row.size}));
  auto staged = objects_.stage();
  std::string piece(256 * 1024, '\0');
  for (;;) {
    TRY(const auto got, errors::lift(bytes->read(piece)));
    if (got == 0) break;
    TRY(errors::lift(staged.append(std::string_view(piece).substr(0, got))));
  }
  if (staged.size() != row.size)
    return errors::lift(Result<storage::OpenObject>(
        Error(ErrorKind::kUnavailable, fmt::format("{}/{} broke off upstream", bucket, key))));
  TRY(auto kept, errors::lift(cache_.find(bucket, key, Want::kBytes)));
  if (!kept || kept->row.etag != row.etag) {  // somebody else fetches it, or it is larger than the cache
    TRY(errors::lift(cache_.keep(bucket, row, std::move(staged))));
    TRY(kept, errors::lift(cache_.find(bucket, key, Want::kBytes)));
  }
  if (!kept) return errors::no_such_key(key);
  return std::move(*kept);
}

/// None when another fetch of it is under way, or it does not fit.
std::optional<Keeping> Upstream::keeping(const std::string& bucket, storage::ObjectRow row) {
  if (row.size > remote_.options().cache_limit) return std::nullopt;
  const Name name{bucket, row.key};
  {
    const std::lock_guard lock(mutex_);
    if (!under_way_.insert(name).second) return std::nullopt;
  }
  struct Work {
    storage::Staged staged;
    Status good;
    std::shared_ptr<void> claim;
  };
  auto work = std::make_shared<Work>();
  work->staged = objects_.stage();
  work->claim = std::shared_ptr<void>(nullptr, [this, name](void*) {
    const std::lock_guard lock(mutex_);
    under_way_.erase(name);
  });
  Keeping keeping;
  keeping.bytes = [work](std::string_view bytes) {
    if (work->good) work->good = work->staged.append(bytes);
  };
  keeping.kept = [this, work, bucket, row = std::move(row)] {
    if (work->good) work->good = cache_.keep(bucket, row, std::move(work->staged));
    if (!work->good)
      log::warn("s3 upstream: {}/{} is not cached: {}", bucket, row.key, work->good.error().message());
  };
  return keeping;
}

Reply<std::shared_ptr<http::PullStream>> Upstream::stream(const std::string& bucket,
                                                          const storage::ObjectRow& row,
                                                          const Stretch& stretch) {
  auto request = remote_.request("GET", bucket, row.key);
  request.headers.emplace_back("If-Match", quoted_etag(row.etag));
  const bool whole = stretch.offset == 0 && stretch.length == row.size;
  if (!whole)
    request.headers.emplace_back(
        "Range", fmt::format("bytes={}-{}", stretch.offset, stretch.offset + stretch.length - 1));
  TRY(auto fetch, Fetch::begin(remote_, fetches_, std::move(request), bucket, row.key,
                               whole ? keeping(bucket, row) : std::nullopt));
  if (fetch->length() != stretch.length)
    return api::Error::make(
        "ServiceUnavailable",
        fmt::format("The upstream store {} gave other bytes of {}/{} than it was asked for.", url(), bucket,
                    row.key),
        503);
  return std::shared_ptr<http::PullStream>(std::move(fetch));
}

Reply<std::string> Upstream::put(const std::string& bucket, storage::ObjectRow row, storage::Staged staged,
                                 std::vector<std::pair<std::string, std::string>> conditions) {
  auto request = remote_.request("PUT", bucket, row.key);
  request.headers = headers_of(row);
  for (auto& header : conditions) request.headers.push_back(std::move(header));
  if (staged.in_memory()) {
    request.body = staged.bytes();
  } else {
    request.upload_fd = staged.descriptor();
    request.upload_length = staged.size();
  }
  TRY(const auto answer, remote_.send(std::move(request)));
  if (!good(answer)) return remote_.refused(answer, bucket, row.key);
  row.etag = unquoted(answer.header("etag"));
  const auto etag = row.etag;
  const auto key = row.key;
  const bool fits = row.size <= remote_.options().cache_limit;
  auto kept = fits ? cache_.keep(bucket, std::move(row), std::move(staged)) : cache_.forget(bucket, key);
  if (!kept) log::warn("s3 upstream: {}/{} is not cached: {}", bucket, key, kept.error().message());
  return etag;
}

Reply<void> Upstream::remove(const std::string& bucket, const std::string& key) {
  TRY(const auto answer, remote_.send(remote_.request("DELETE", bucket, key)));
  if (!good(answer)) return remote_.refused(answer, bucket, key);
  return errors::lift(cache_.forget(bucket, key));
}

}  // namespace sagelet::s3::upstream
