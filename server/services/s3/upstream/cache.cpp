#include "server/services/s3/upstream/cache.hpp"

#include "server/storage/listing.hpp"

namespace sagelet::s3::upstream {

namespace {

using storage::Connection;

constexpr std::string_view kOwner = "upstream";    // no account id
constexpr std::string_view kPrefix = "upstream/";  // no bucket of a client has a slash in its name

std::string hidden(const std::string& bucket) {
  return std::string(kPrefix) + bucket;
}

Result<storage::Bucket> hidden_bucket(Connection& db, const std::string& bucket, WallTime now) {
  TRY(auto found, storage::find_bucket(db, hidden(bucket)));
  if (found) return std::move(*found);
  storage::Bucket made{0, hidden(bucket), std::string(kOwner), "us-east-1", now};
  TRY(storage::insert_bucket(db, made));
  return made;
}

}  // namespace

Cache::Cache(const Options& options, storage::ObjectStore& objects, const Clock& clock)
    : limit_(options.cache_limit),
      revalidate_after_(options.revalidate_after),
      objects_(objects),
      clock_(clock) {}

/// Once, before the first use: what an earlier process kept. Under the mutex.
Status Cache::look_through() {
  if (looked_through_) return {};
  TRY(objects_.ledger().read([&](Connection& db) -> Status {
    TRY(const auto buckets, storage::buckets_of(db, kOwner));
    for (const auto& bucket : buckets) {
      storage::ListQuery query;
      for (storage::ListPage page{.truncated = true}; page.truncated; query.after = page.last) {
        TRY(page, storage::list_objects(db, bucket.id, query));
        for (const auto& object : page.objects)
          add({bucket.name.substr(kPrefix.size()), object.key}, object.size, std::nullopt);
      }
    }
    return {};
  }));
  looked_through_ = true;
  return {};
}

void Cache::add(const Name& name, std::uint64_t size, std::optional<SteadyTime> checked) {
  drop(name);
  ++added_;
  entries_.push_front({name, size, checked});
  by_name_[name] = entries_.begin();
  total_ += size;
}

void Cache::drop(const Name& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  total_ -= found->second->size;
  entries_.erase(found->second);
  by_name_.erase(found);
}

Result<std::optional<storage::OpenObject>> Cache::find(const std::string& bucket, const std::string& key,
                                                       storage::ObjectStore::Want want) {
  const auto added_before = added_.load();
  TRY(auto found, objects_.find(hidden(bucket), key, want));
  const std::lock_guard lock(mutex_);
  TRY(look_through());
  // Everything was reset; but what was kept since we looked is there.
  if (!found.object && added_ == added_before) drop({bucket, key});
  if (const auto known = by_name_.find({bucket, key}); known != by_name_.end())
    entries_.splice(entries_.begin(), entries_, known->second);
  return std::move(found.object);
}

bool Cache::is_fresh(const std::string& bucket, const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto known = by_name_.find({bucket, key});
  return known != by_name_.end() && known->second->checked &&
         clock_.steady() - *known->second->checked < revalidate_after_;
}

void Cache::mark_fresh(const std::string& bucket, const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (const auto known = by_name_.find({bucket, key}); known != by_name_.end())
    known->second->checked = clock_.steady();
}

Status Cache::keep(const std::string& bucket, storage::ObjectRow row, storage::Staged staged) {
  const Name name{bucket, row.key};
  const auto size = row.size;
  const auto now = clock_.now();
  TRY(objects_
          .commit(std::move(staged),
                  [bucket, row = std::move(row), now](Connection& db, storage::BodyId body,
                                                      storage::Freed& freed) mutable -> Status {
                    TRY(const auto home, hidden_bucket(db, bucket, now));
                    row.body = body;
                    return storage::put_object(db, home.id, row, freed);
                  })
          .wait());
  const std::lock_guard lock(mutex_);
  TRY(look_through());
  add(name, size, clock_.steady());
  return shrink();
}

/// Under the mutex. The newest stays, however large: somebody is about to read it.
Status Cache::shrink() {
  while (total_ > limit_ && entries_.size() > 1) {
    const auto name = entries_.back().name;
    drop(name);
    TRY(remove(name));
  }
  return {};
}

Status Cache::remove(const Name& name) {
  return objects_
      .commit([name](Connection& db, storage::BodyId, storage::Freed& freed) -> Status {
        TRY(const auto home, storage::find_bucket(db, hidden(name.first)));
        if (!home) return {};
        TRY(storage::delete_object(db, home->id, name.second, freed));
        return {};
      })
      .wait();
}

Status Cache::forget(const std::string& bucket, const std::string& key) {
  {
    const std::lock_guard lock(mutex_);
    TRY(look_through());
    drop({bucket, key});
  }
  return remove({bucket, key});
}

}  // namespace sagelet::s3::upstream
