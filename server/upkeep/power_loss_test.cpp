// Random histories on a disk whose power goes: what was acknowledged is there, the rest is whole or not
// there.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>

#include "base/test_folder.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/storage/pairs.hpp"
#include "server/storage/power_loss_for_tests.hpp"
#include "server/storage/power_loss_vfs_for_tests.hpp"
#include "server/upkeep/fixture_for_tests.hpp"
#include "server/upkeep/scrub.hpp"

namespace sagelet::upkeep {
namespace {

using storage::Power;
using storage::PowerLossDisk;
using storage::PowerLossVfs;

struct Version {
  std::string name;
  bool marker = false;
  std::string etag;
  std::uint64_t size = 0;
  std::string extras;
  bool operator==(const Version&) const = default;
};
using History = std::vector<Version>;  ///< of one key, the newest first
using Place = std::pair<std::string, std::string>;

std::string shown(const History& history) {
  std::string out;
  for (const auto& one : history)
    out += fmt::format("[{}{} {} {} {}]", one.name, one.marker ? " marker" : "", one.etag, one.size,
                       one.extras.empty() ? "" : "locked");
  return out.empty() ? "nothing" : out;
}

/// How every key is, and how else those may be whose change was not acknowledged.
struct Model {
  std::map<Place, History> known, maybe;
};

class Client {
 public:
  Client(std::mt19937_64& random, TestStore& store, Model& model)
      : random_(random), store_(store), model_(model) {}

  /// Some changes at once, each of its own key. False when one was not acknowledged.
  bool step() {
    std::map<Place, std::pair<History, Ticket>> batch;
    bool all = true;
    for (auto left = 1 + pick(3); left > 0 && all; --left) {
      const Place place{pick(2) ? "kept" : "plain", fmt::format("key{}", pick(4))};
      if (batch.contains(place)) break;
      auto history = model_.known[place];
      const auto ticket = change(place, history);
      all = ticket.has_value();
      if (ticket) batch.emplace(place, std::pair(std::move(history), *ticket));
    }
    for (auto& [place, expected] : batch) {
      const bool done = expected.second.wait().has_value();
      all = all && done;
      (done ? model_.known : model_.maybe)[place] = std::move(expected.first);
    }
    return all;
  }

 private:
  std::size_t pick(std::size_t below) { return random_() % below; }

  std::string some_bytes() {
    constexpr std::size_t kSizes[] = {0, 10, 5000, 40'000, 200'000};
    return filler(kSizes[pick(5)], static_cast<unsigned>(random_()));
  }

  std::string new_version(const Place& place) {
    return place.first == "plain" || pick(4) == 0 ? "" : fmt::format("v{}", random_());
  }

  static void put_into(History& history, Version version) {
    if (version.name.empty()) std::erase_if(history, [](const Version& old) { return old.name.empty(); });
    history.insert(history.begin(), std::move(version));
  }

  /// Starts one; nullopt: the power went before its last step.
  std::optional<Ticket> change(const Place& place, History& history) {
    switch (pick(7)) {
      case 0:
        return upload(place, history);
      case 1:
        return copy(place, history);
      case 2:
        return history.empty() ? put(place, history) : remove(place, history);
      case 3:
        return place.first == "kept" ? mark(place, history) : put(place, history);
      case 4:
        return history.empty() || history.front().marker ? put(place, history) : lock(place, history);
      default:
        return put(place, history);
    }
  }

  Ticket put(const Place& place, History& history) {
    const auto bytes = some_bytes();
    const auto row = TestStore::row_of(place.second, bytes, new_version(place));
    put_into(history, {row.version, false, row.etag, row.size, {}});
    return store_.put_later(place.first, row, store_.staged(bytes));
  }

  Ticket copy(const Place& place, History& history) {
    const Place from{pick(2) ? "kept" : "plain", fmt::format("key{}", pick(4))};
    auto found = store_.objects->find(from.first, from.second, storage::ObjectStore::Want::kBytes);
    if (!found || !found->object || !found->object->parts.empty()) return put(place, history);
    auto row = found->object->row;
    row.key = place.second;
    row.extras.clear();
    row.version = new_version(place);
    put_into(history, {row.version, false, row.etag, row.size, {}});
    return store_.put_later(place.first, row, store_.objects->stage_again(*found->object, nullptr));
  }

  std::optional<Ticket> upload(const Place& place, History& history) {
    const auto id = fmt::format("u{}", random_());
    if (!store_.begin_upload(place.first, place.second, id)) return std::nullopt;
    std::string digests;
    std::uint64_t size = 0;
    const auto parts = 1 + pick(3);
    for (std::uint32_t number = 1; number <= parts; ++number) {
      const auto bytes = some_bytes();
      if (!store_.put_part(id, number, bytes)) return std::nullopt;
      digests += Digest::of(DigestKind::kMd5, bytes);
      size += bytes.size();
    }
    const auto version = new_version(place);
    put_into(history, {version, false, fmt::format("{}-{}", etag_of(digests), parts), size, {}});
    return store_.complete_later(place.first, place.second, id, version);
  }

  Ticket remove(const Place& place, History& history) {
    const auto at = pick(history.size());
    const auto version = history[at].name;
    history.erase(history.begin() + static_cast<std::ptrdiff_t>(at));
    return store_.objects->commit([=](Connection& db, BodyId, Freed& freed) -> Status {
      TRY(const auto bucket, find_bucket(db, place.first));
      TRY(delete_version(db, bucket->id, place.second, version, freed));
      return {};
    });
  }

  Ticket mark(const Place& place, History& history) {
    const auto version = new_version(place);
    put_into(history, {version, true, {}, 0, {}});
    return store_.objects->commit([=](Connection& db, BodyId, Freed& freed) -> Status {
      TRY(const auto bucket, find_bucket(db, place.first));
      return put_marker(db, bucket->id, place.second, version, from_millis(1), freed);
    });
  }

  Ticket lock(const Place& place, History& history) {
    auto& version = history.front();
    version.extras = version.extras.empty() ? storage::pack({{"lock-hold", "ON"}}) : "";
    return store_.objects->commit(
        [=, name = version.name, extras = version.extras](Connection& db, BodyId, Freed&) -> Status {
          TRY(const auto bucket, find_bucket(db, place.first));
          return set_version_extras(db, bucket->id, place.second, name, extras);
        });
  }

  std::mt19937_64& random_;
  TestStore& store_;
  Model& model_;
};

Result<History> history_of(storage::Ledger& ledger, const Place& place) {
  History out;
  TRY(ledger.read([&](Connection& db) -> Status {
    auto query = db.prepare(
        "SELECT coalesce(version, '') AS name, 0 AS marker, etag, size, extras, seq FROM objects, buckets "
        "WHERE bucket = id AND name = ?1 AND key = ?2 UNION ALL "
        "SELECT version, marker, etag, size, extras, seq FROM versions, buckets "
        "WHERE bucket = id AND name = ?1 AND key = ?2 ORDER BY seq DESC");
    query.bind(1, place.first).bind_blob(2, place.second);
    while (true) {
      TRY(const bool more, query.step());
      if (!more) return {};
      out.push_back({std::string(query.text(0)), query.integer(1) != 0, std::string(query.text(2)),
                     static_cast<std::uint64_t>(query.integer(3)), std::string(query.blob(4))});
    }
  }));
  return out;
}

class PowerLossTest : public testing::Test {
 protected:
  /// Opens what the power left, compares, scrubs.
  void check_what_is_left() {
    TestStore store(folder.path(), storage::Durability::kPower);
    ASSERT_EQ(store.failure, "");
    for (std::size_t i = 0; i < 8; ++i) {
      const Place place{i < 4 ? "kept" : "plain", fmt::format("key{}", i % 4)};
      const auto found = history_of(*store.ledger, place);
      ASSERT_TRUE(found) << found.error().message();
      const auto maybe = model.maybe.find(place);
      const bool fits =
          *found == model.known[place] || (maybe != model.maybe.end() && *found == maybe->second);
      ASSERT_TRUE(fits) << place.first << "/" << place.second << "\n  found        " << shown(*found)
                        << "\n  acknowledged " << shown(model.known[place]) << "\n  or           "
                        << (maybe == model.maybe.end() ? "nothing else" : shown(maybe->second));
      model.known[place] = *found;
    }
    model.maybe.clear();
    Scrub scrub(*store.objects, Scrub::Users::kAlone);
    const auto done = scrub.run();
    ASSERT_TRUE(done) << done.error().message();
    ASSERT_EQ(scrub.report().problems, 0u) << scrub.report().json("done");
  }

  void run_until_the_power_goes(std::mt19937_64& random) {
    Power power(random(), folder.path() / "graveyard");
    PowerLossVfs::use(power);
    PowerLossDisk disk(power);
    power.cut_after(static_cast<int>(random() % 150));
    {
      TestStore store(folder.path(), storage::Durability::kPower, disk, PowerLossVfs::kName);
      if (store.failure.empty()) {
        Client client(random, store, model);
        for (auto steps = random() % 40; steps > 0 && client.step(); --steps) continue;
      }
      if (random() % 2 == 0)
        power.cut();  // else the end is in order, unless the power goes in the middle of it
    }
    // The store's destructor has ended, the server it stands for has not.
    if (power.is_off()) {
      ASSERT_TRUE(write_file(folder.path() / "objects" / "unclean", ""));
    }
    power.cut();
    std::error_code ignored;
    fs::remove(folder.path() / "ledger.db-shm", ignored);
    power.lose();
  }

  void make_buckets() {
    TestStore store(folder.path(), storage::Durability::kPower);
    ASSERT_EQ(store.failure, "");
    ASSERT_TRUE(store.make_bucket("plain"));
    ASSERT_TRUE(store.make_bucket("kept", storage::Versioning::kEnabled));
  }

  TestFolder folder;
  Model model;
};

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
  const char* value = std::getenv(variable);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

TEST_F(PowerLossTest, NoAcknowledgedWriteIsLostAndNoneIsHalfThere) {
  const auto seed = number_of("SEED", std::random_device()());
  const auto rounds = number_of("POWER_ROUNDS", 60);
  std::cout << "SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  make_buckets();
  for (std::uint64_t round = 0; round < rounds; ++round) {
    SCOPED_TRACE(fmt::format("SEED={} round {}", seed, round));
    run_until_the_power_goes(random);
    check_what_is_left();
    if (HasFatalFailure()) return;
  }
}

/// A change is two rows; the ledger's newest pages are cut off anywhere.
TEST_F(PowerLossTest, ATornTailOfTheLedgerLosesWholeChangesFromTheEnd) {
  const auto seed = number_of("SEED", std::random_device()());
  std::cout << "SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  const auto live = folder.path() / "live", torn = folder.path() / "torn";
  ASSERT_TRUE(make_folders(live));
  TestStore store(live, storage::Durability::kPower);
  ASSERT_EQ(store.failure, "");
  ASSERT_TRUE(store.make_bucket("plain"));
  for (int i = 0; i < 60; ++i)
    ASSERT_TRUE(
        store.put("plain", fmt::format("key{:03}", i), filler(10 + static_cast<unsigned>(i) * 100, 1)));
  const auto database = *read_file(live / "ledger.db"), wal = *read_file(live / "ledger.db-wal");
  for (int round = 0; round < 60; ++round) {
    ASSERT_TRUE(remove_tree(torn));
    ASSERT_TRUE(make_folders(torn));
    auto tail = wal.substr(0, random() % (wal.size() + 1));
    if (round % 3 == 0) tail.resize(wal.size(), '\0');  // the file's length is there, its bytes are not
    ASSERT_TRUE(write_file(torn / "ledger.db", database));
    ASSERT_TRUE(write_file(torn / "ledger.db-wal", tail));
    TestStore opened(torn, storage::Durability::kPower);
    ASSERT_EQ(opened.failure, "") << "seed " << seed << " round " << round;
    Scrub scrub(*opened.objects, Scrub::Users::kAlone);
    ASSERT_TRUE(scrub.run());
    ASSERT_EQ(scrub.report().problems, 0u) << "seed " << seed << ": " << scrub.report().json("done");
    const auto kept = scrub.report().objects;
    for (std::uint64_t i = 0; i < kept; ++i) {
      auto found =
          opened.objects->find("plain", fmt::format("key{:03}", i), storage::ObjectStore::Want::kRecord);
      ASSERT_TRUE(found && found->object) << "seed " << seed << ": " << i << " of " << kept;
    }
  }
}

}  // namespace
}  // namespace sagelet::upkeep
