// Repositories, and how the store reads and changes.
#include "server/images/store.hpp"

#include <chrono>

#include "base/log.hpp"
#include "fmt/format.h"

namespace sagelet::images {

namespace {

constexpr std::chrono::hours kLooseKept{24};

}  // namespace

Refused no_repository(const Place& place) {
  return {Why::kNoRepository,
          fmt::format("The repository with name '{}' does not exist in the registry with id '{}'",
                      place.repository, place.registry.account)};
}

ImageStore::ImageStore(storage::ObjectStore& objects, const Clock& clock, Ids& ids)
    : objects_(objects), clock_(clock), uploads_(clock, ids) {
  bool any = true;
  const auto looked = read([&](Connection& db) -> Outcome<void> {
    TRY(any, any_repository(db));
    return {};
  });
  any_repository_ = !looked || any;
}

// ---- reading and changing ----

/// A refusal undoes the change.
Outcome<void> ImageStore::change(storage::Staged staged, const Change& work) {
  std::optional<Refused> refused;
  const auto done = objects_.commit(
      std::move(staged), [&](Connection& db, storage::BodyId body, storage::Freed& freed) -> Status {
        refused.reset();
        auto result = work(db, body, freed);
        if (result) return {};
        refused = std::move(result).error();
        return Error(ErrorKind::kConflict, "refused");
      });
  const Status status = done.wait();
  if (status) return {};
  if (refused) return std::move(*refused);
  return Refused(status.error());
}

Outcome<void> ImageStore::read(const Read& work) {
  std::optional<Refused> refused;
  const Status done = objects_.ledger().read([&](Connection& db) -> Status {
    refused.reset();
    if (auto result = work(db); !result) refused = std::move(result).error();
    return {};
  });
  if (refused) return std::move(*refused);
  if (!done) return Refused(done.error());
  return {};
}

Outcome<Repository> ImageStore::require(Connection& db, const Place& place) {
  TRY(auto found, find_repository(db, place.registry, place.repository));
  if (!found) return no_repository(place);
  return std::move(*found);
}

Outcome<Repository> ImageStore::require_or_create(Connection& db, const Place& place, IfMissing if_missing) {
  TRY(auto found, find_repository(db, place.registry, place.repository));
  if (found) return std::move(*found);
  if (if_missing == IfMissing::kRefuse) return no_repository(place);
  if (!is_repository_name(place.repository))
    return Refused(Why::kBadName, fmt::format("\"{}\" is no repository name", place.repository));
  Repository made;
  made.registry = place.registry;
  made.name = place.repository;
  made.created = clock_.now();
  any_repository_ = true;
  TRY(insert_repository(db, made));
  return made;
}

// ---- repositories ----

Outcome<Repository> ImageStore::create_repository(Repository like) {
  if (!is_repository_name(like.name))
    return Refused(Why::kBadName, fmt::format("\"{}\" is no repository name", like.name));
  like.created = clock_.now();
  const auto done = change([&](Connection& db, storage::BodyId, storage::Freed&) -> Outcome<void> {
    TRY(const auto found, find_repository(db, like.registry, like.name));
    if (found)
      return Refused(Why::kRepositoryExists,
                     fmt::format("The repository with name '{}' already exists in the registry with id '{}'",
                                 like.name, like.registry.account));
    any_repository_ = true;
    TRY(insert_repository(db, like));
    return {};
  });
  TRY(done);
  return like;
}

Outcome<Repository> ImageStore::repository(const Place& place) {
  Repository found;
  TRY(read([&](Connection& db) -> Outcome<void> {
    TRY(found, require(db, place));
    return {};
  }));
  return found;
}

Outcome<std::vector<Repository>> ImageStore::repositories(const Registry& registry, std::string_view after,
                                                          std::size_t limit) {
  std::vector<Repository> found;
  TRY(read([&](Connection& db) -> Outcome<void> {
    TRY(found, repositories_of(db, registry, after, limit));
    return {};
  }));
  return found;
}

Outcome<Repository> ImageStore::update_repository(const Place& place,
                                                  const std::function<Outcome<void>(Repository&)>& alter) {
  Repository found;
  const auto done = change([&](Connection& db, storage::BodyId, storage::Freed&) -> Outcome<void> {
    TRY(found, require(db, place));
    TRY(alter(found));
    TRY(images::update_repository(db, found));
    return {};
  });
  TRY(done);
  return found;
}

Outcome<Repository> ImageStore::delete_repository(const Place& place, bool force) {
  Repository found;
  const auto done = change([&](Connection& db, storage::BodyId, storage::Freed& freed) -> Outcome<void> {
    TRY(found, require(db, place));
    TRY(const bool full, holds_manifests(db, found.id));
    if (full && !force)
      return Refused(
          Why::kRepositoryNotEmpty,
          fmt::format("The repository with name '{}' in registry with id '{}' cannot be deleted because it "
                      "still contains images",
                      place.repository, place.registry.account));
    TRY(const auto blobs, blobs_of(db, found.id));
    TRY(images::delete_repository(db, found.id));
    for (const auto& blob : blobs) TRY(free_if_unlinked(db, blob, freed));
    return {};
  });
  TRY(done);
  return found;
}

bool ImageStore::account_is_known(std::string_view account) {
  bool known = false;
  const auto done = read([&](Connection& db) -> Outcome<void> {
    TRY(known, registry_is_used(db, account));
    return {};
  });
  return done && known;
}

Status ImageStore::sweep() {
  const auto before = clock_.now() - kLooseKept;
  std::size_t dropped = 0;
  const auto looked = read([&](Connection& db) -> Outcome<void> {
    TRY(const auto loose, loose_blobs(db, before));
    dropped = loose.size();
    return {};
  });
  if (looked && dropped == 0) return {};
  const auto done = change([&](Connection& db, storage::BodyId, storage::Freed& freed) -> Outcome<void> {
    TRY(const auto loose, loose_blobs(db, before));
    for (const auto& blob : loose) {
      TRY(unlink_blob(db, blob.repository, blob.digest));
      TRY(free_if_unlinked(db, blob.digest, freed));
    }
    dropped = loose.size();
    return {};
  });
  if (!done) return Error(ErrorKind::kIo, "sweeping the registry: " + done.error().message);
  if (dropped > 0) log::info("registry: dropped {} blobs that no image uses", dropped);
  return {};
}

}  // namespace sagelet::images
