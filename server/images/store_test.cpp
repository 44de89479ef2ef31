#include "server/images/store.hpp"

#include "base/fs.hpp"
#include "base/testing.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::images {
namespace {

using ::testing::ElementsAre;

constexpr auto kType = "application/vnd.docker.distribution.manifest.v2+json";

class Images : public ::testing::TestWithParam<storage::Durability> {
 protected:
  Images() { open(); }

  void open() {
    store.reset();
    objects.reset();
    ledger.reset();
    ledger = storage::Ledger::open(folder.path() / "ledger.db", GetParam()).value();
    objects = storage::ObjectStore::open(folder.path() / "objects", *ledger).value();
    store.emplace(*objects, clock, ids);
  }

  ContentDigest push(const Place& to, const std::string& bytes) {
    auto lease = store->start_upload(to);
    EXPECT_TRUE(lease);
    lease->write(bytes);
    const auto digest = digest_of(bytes);
    EXPECT_TRUE(store->finish_upload(to, std::move(*lease), digest, IfMissing::kCreate));
    return digest;
  }

  static std::string descriptor(const ContentDigest& digest, std::size_t size) {
    return R"({"mediaType":"application/x","digest":")" + digest.str() + R"(","size":)" +
           std::to_string(size) + "}";
  }

  std::string image_of(const Place& to, const std::string& layer) {
    const auto config = push(to, "config of " + layer.substr(0, 20));
    return R"({"schemaVersion":2,"config":)" + descriptor(config, 1) + R"(,"layers":[)" +
           descriptor(push(to, layer), layer.size()) + "]}";
  }

  Outcome<Pushed> tag(const Place& to, const std::string& name, const std::string& manifest) {
    return store->put_manifest(to, {name, {}}, kType, manifest, IfMissing::kCreate);
  }

  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "objects"))
      count += entry.is_regular_file() && entry.path().filename() != "unclean" ? 1 : 0;
    return count;
  }

  std::string read_blob(const Place& from, const ContentDigest& digest) {
    auto open_blob = store->open_blob(from, digest);
    if (!open_blob) return "refused: " + open_blob.error().message;
    std::string bytes(open_blob->blob.size, '\0');
    EXPECT_TRUE(objects->read(open_blob->object, 0, bytes));
    return bytes;
  }

  TempFolder folder = TempFolder::make(fs::temp_directory_path(), "images").value();
  ManualClock clock;
  CountingIds ids;
  std::unique_ptr<storage::Ledger> ledger;
  std::unique_ptr<storage::ObjectStore> objects;
  std::optional<ImageStore> store;
  Place place{{"000000000000", "us-east-1"}, "name"};
  Place other{{"000000000000", "us-east-1"}, "other"};
  const std::string large = std::string(100'000, 'x');
};

TEST_P(Images, ABlobIsThereAfterARestart) {
  const auto digest = push(place, large);
  open();
  EXPECT_EQ(read_blob(place, digest), large);
  EXPECT_EQ(store->blob(other, digest).error().why, Why::kNoRepository);
}

TEST_P(Images, AnImageIsFoundThatWasLookedForBeforeThereWasAny) {
  EXPECT_EQ(store->manifest(place, {"v1", {}}).error().why, Why::kNoRepository);
  ASSERT_TRUE(tag(place, "v1", image_of(place, "layer")));
  EXPECT_TRUE(store->manifest(place, {"v1", {}}));
  EXPECT_EQ(store->manifest(other, {"v1", {}}).error().why, Why::kNoRepository);
  ASSERT_TRUE(store->create_repository({.registry = other.registry, .name = other.repository}));
  EXPECT_EQ(store->manifest(other, {"v1", {}}).error().why, Why::kNoManifest);
  open();
  EXPECT_TRUE(store->manifest(place, {"v1", {}}));
}

TEST_P(Images, AnEmptyRepositoryIsOneToo) {
  EXPECT_EQ(store->manifest(place, {"v1", {}}).error().why, Why::kNoRepository);
  ASSERT_TRUE(store->create_repository({.registry = place.registry, .name = place.repository}));
  EXPECT_EQ(store->manifest(place, {"v1", {}}).error().why, Why::kNoManifest);
}

TEST_P(Images, TheSameBytesAreKeptOnce) {
  const auto digest = push(place, large);
  push(place, large);
  push(other, large);
  open();  // what is removed in the background is gone by then
  EXPECT_EQ(files(), 1u);
  EXPECT_EQ(read_blob(other, digest), large);
}

TEST_P(Images, WrongBytesAreRefusedAndTheUploadIsGone) {
  auto lease = store->start_upload(place).value();
  const std::string id = lease.id();
  lease.write("bytes");
  EXPECT_EQ(store->finish_upload(place, std::move(lease), digest_of("other"), IfMissing::kCreate).error().why,
            Why::kDigestDiffers);
  EXPECT_EQ(store->upload(place, id).error().why, Why::kNoUpload);
}

TEST_P(Images, AnUploadIsFedByOneAtATime) {
  auto lease = store->start_upload(place).value();
  const std::string id = lease.id();
  EXPECT_EQ(store->upload(place, id).error().why, Why::kUploadBusy);
  lease.write("abc");
  { const auto given_back = std::move(lease); }
  const auto again = store->upload(place, id);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->size(), 3u);
}

TEST_P(Images, AnIdleUploadGoes) {
  std::string id;
  { id = store->start_upload(place).value().id(); }
  clock.advance(std::chrono::hours(2));
  { const auto sweeps = store->start_upload(place); }
  EXPECT_EQ(store->upload(place, id).error().why, Why::kNoUpload);
}

TEST_P(Images, AnImageNamesOnlyWhatIsThere) {
  const auto missing = digest_of("missing");
  const std::string text = R"({"schemaVersion":2,"config":)" + descriptor(push(place, "c"), 1) +
                           R"(,"layers":[)" + descriptor(missing, 1) + "]}";
  const auto refused = tag(place, "v1", text);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().why, Why::kBlobsMissing);
  EXPECT_THAT(refused.error().names, ElementsAre(missing.str()));
  EXPECT_EQ(store->manifest(place, {"v1", {}}).error().why, Why::kNoManifest);
}

TEST_P(Images, ATagMovesUnlessItIsImmutable) {
  const auto first = tag(place, "v1", image_of(place, "one")).value();
  const auto second = tag(place, "v1", image_of(place, "two")).value();
  EXPECT_EQ(store->manifest(place, {"v1", {}})->digest, second.digest);
  EXPECT_TRUE(store->manifest(place, {"", first.digest}));
  ASSERT_TRUE(store->update_repository(place, [](Repository& repository) -> Outcome<void> {
    repository.immutable = true;
    repository.exempt = {"dev-*"};
    return {};
  }));
  EXPECT_EQ(tag(place, "v1", image_of(place, "three")).error().why, Why::kTagImmutable);
  EXPECT_TRUE(tag(place, "v1", image_of(place, "two")));
  EXPECT_TRUE(tag(place, "dev-1", image_of(place, "two")));
  EXPECT_TRUE(tag(place, "dev-1", image_of(place, "three")));
}

TEST_P(Images, DeletingKeepsWhatOthersUse) {
  const std::string shared = image_of(place, large);
  const auto pushed = tag(place, "v1", shared).value();
  ASSERT_TRUE(store->mount(other, "name", digest_of(large)));
  ASSERT_TRUE(store->delete_manifest(place, pushed.digest, false));
  EXPECT_EQ(store->blob(place, digest_of(large)).error().why, Why::kNoBlob);
  EXPECT_EQ(read_blob(other, digest_of(large)), large);
  ASSERT_TRUE(store->delete_blob(other, digest_of(large)));
  open();
  EXPECT_EQ(files(), 0u);
}

TEST_P(Images, ABlobInUseStays) {
  tag(place, "v1", image_of(place, large)).value();
  EXPECT_EQ(store->delete_blob(place, digest_of(large)).error().why, Why::kBlobInUse);
}

TEST_P(Images, AnIndexHoldsItsImages) {
  const auto image = tag(place, "v1", image_of(place, "one")).value();
  const std::string index = R"({"schemaVersion":2,"manifests":[)" + descriptor(image.digest, 1) + "]}";
  const auto put = store->put_manifest(place, {"multi", {}}, "application/vnd.oci.image.index.v1+json", index,
                                       IfMissing::kCreate);
  ASSERT_TRUE(put);
  EXPECT_EQ(store->delete_manifest(place, image.digest, false).error().why, Why::kManifestInUse);
  EXPECT_TRUE(store->delete_manifest(place, put->digest, false));
  EXPECT_TRUE(store->delete_manifest(place, image.digest, false));
}

TEST_P(Images, ADeletedRepositoryTakesItsBytesAlong) {
  tag(place, "v1", image_of(place, large)).value();
  EXPECT_EQ(store->delete_repository(place, false).error().why, Why::kRepositoryNotEmpty);
  ASSERT_TRUE(store->delete_repository(place, true));
  EXPECT_EQ(store->repository(place).error().why, Why::kNoRepository);
  open();
  EXPECT_EQ(files(), 0u);
}

TEST_P(Images, LooseBlobsGoAfterADay) {
  push(place, large);
  tag(other, "v1", image_of(other, std::string(50'000, 'y'))).value();
  ASSERT_TRUE(store->sweep());
  EXPECT_TRUE(store->blob(place, digest_of(large)));
  clock.advance(std::chrono::hours(25));
  ASSERT_TRUE(store->sweep());
  EXPECT_EQ(store->blob(place, digest_of(large)).error().why, Why::kNoBlob);
  EXPECT_TRUE(store->blob(other, digest_of(std::string(50'000, 'y'))));
}

TEST_P(Images, RegistriesDoNotSeeOneAnother) {
  push(place, large);
  const Place elsewhere{{"111122223333", "us-east-1"}, "name"};
  EXPECT_EQ(store->mount(elsewhere, "", digest_of(large)).error().why, Why::kNoBlob);
  EXPECT_TRUE(store->mount(other, "", digest_of(large)));
  EXPECT_TRUE(store->account_is_known("000000000000"));
  EXPECT_FALSE(store->account_is_known("111122223333"));
}

TEST_P(Images, PullsAreNoted) {
  tag(place, "v1", image_of(place, "one")).value();
  clock.advance(std::chrono::hours(1));
  store->note_pull(place, store->manifest(place, {"v1", {}}).value());
  ASSERT_TRUE(ledger->commit_and_wait([](Connection&) -> Status { return {}; }));
  EXPECT_EQ(store->images(place)->at(0).manifest.pulled, clock.now());
}

INSTANTIATE_TEST_SUITE_P(EachDurability, Images,
                         ::testing::Values(storage::Durability::kPower, storage::Durability::kProcess));

}  // namespace
}  // namespace sagelet::images
