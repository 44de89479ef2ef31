#include "server/upkeep/snapshot.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/test_folder.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/upkeep/entries.hpp"
#include "server/upkeep/fixture_for_tests.hpp"
#include "server/upkeep/scrub.hpp"

namespace sagelet::upkeep {
namespace {

using testing::HasSubstr;
using Entries = std::vector<std::pair<std::string, std::string>>;

class SnapshotTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_folders(data()));
    folder.file("data/authority/ca.key", "secret");
    folder.file("data/authority/ca.pem", "public");
  }
  fs::path data() const { return folder.path() / "data"; }
  fs::path file() const { return folder.path() / "state.tar"; }
  fs::path target() const { return folder.path() / "restored"; }

  void save(TestStore& store, const fs::path& to) {
    const auto prepared = data() / "saving" / "1";
    const auto done = prepare_snapshot(*store.objects, data(), prepared);
    ASSERT_TRUE(done) << done.error().message();
    const auto totals = write_snapshot(prepared, to);
    ASSERT_TRUE(totals) << totals.error().message();
    ASSERT_TRUE(remove_tree(prepared));
  }
  /// A small one, already saved.
  void make_state() {
    TestStore store(data());
    ASSERT_EQ(store.failure, "");
    ASSERT_TRUE(store.make_bucket("bucket"));
    ASSERT_TRUE(store.put("bucket", "small", "hello"));
    ASSERT_TRUE(store.put("bucket", "large", filler(100'000, 1)));
    save(store, file());
  }
  std::string refusal() {
    const auto restored = restore_snapshot(file(), target());
    EXPECT_FALSE(restored);
    EXPECT_FALSE(fs::exists(target())) << "all or nothing";
    for (const auto& entry : fs::directory_iterator(folder.path()))
      EXPECT_FALSE(entry.path().filename().native().starts_with(".sagelet-restore")) << "left behind";
    return restored ? "(restored)" : restored.error().message();
  }
  void write_archive(const Entries& entries, const char* link = nullptr) {
    auto* to = archive_write_new();
    archive_write_set_format_pax_restricted(to);
    ASSERT_EQ(archive_write_open_filename(to, file().c_str()), ARCHIVE_OK);
    for (const auto& [name, text] : entries) {
      auto* entry = archive_entry_new();
      archive_entry_set_pathname(entry, name.c_str());
      archive_entry_set_perm(entry, 0644);
      if (link != nullptr && text == link) {
        archive_entry_set_filetype(entry, AE_IFLNK);
        archive_entry_set_symlink(entry, link);
      } else {
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
      }
      archive_write_header(to, entry);
      archive_write_data(to, text.data(), text.size());
      archive_entry_free(entry);
    }
    archive_write_close(to);
    archive_write_free(to);
  }
  void patch(const std::function<void(std::string&)>& change) {
    auto bytes = *read_file(file());
    change(bytes);
    ASSERT_TRUE(write_file(file(), bytes));
  }

  TestFolder folder;
};

TEST_F(SnapshotTest, RestoresWhatWasSaved) {
  make_state();
  const auto totals = restore_snapshot(file(), target());
  ASSERT_TRUE(totals) << totals.error().message();
  EXPECT_EQ(totals->files, 4u) << "ledger, key, certificate, one body";
  EXPECT_EQ(*read_file(target() / "authority/ca.key"), "secret");
  TestStore restored(target());
  ASSERT_EQ(restored.failure, "");
  auto found = restored.objects->find("bucket", "small", storage::ObjectStore::Want::kBytes);
  ASSERT_TRUE(found && found->object);
  EXPECT_EQ(found->object->bytes, "hello");
  Scrub scrub(*restored.objects, Scrub::Users::kAlone);
  ASSERT_TRUE(scrub.run());
  EXPECT_EQ(scrub.report().problems, 0u);
  EXPECT_EQ(scrub.report().objects, 2u);
}

TEST_F(SnapshotTest, RestoresACompressedOneIntoAnEmptyFolder) {
  TestStore store(data());
  ASSERT_TRUE(store.make_bucket("bucket"));
  ASSERT_TRUE(store.put("bucket", "large", std::string(1'000'000, 'x')));
  const auto packed = folder.path() / "state.tar.gz";
  save(store, packed);
  EXPECT_LT(fs::file_size(packed), 100'000u);
  ASSERT_TRUE(make_folders(target()));
  const auto totals = restore_snapshot(packed, target());
  ASSERT_TRUE(totals) << totals.error().message();
}

TEST_F(SnapshotTest, ASnapshotIsForItsOwnersEyes) {
  make_state();
  ASSERT_TRUE(restore_snapshot(file(), target()));
  EXPECT_EQ(fs::status(file()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(fs::status(target()).permissions() & fs::perms::others_all, fs::perms::none);
}

TEST_F(SnapshotTest, HoldsEveryAcknowledgedWriteFromBeforeWhileOthersGoOn) {
  TestStore store(data());
  ASSERT_TRUE(store.make_bucket("bucket"));
  std::atomic<unsigned> acknowledged{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (unsigned w = 0; w < 3; ++w)
    writers.emplace_back([&, w] {
      for (unsigned i = 0; !stop; ++i) {
        EXPECT_TRUE(store.put("bucket", fmt::format("busy{}-{}", w, i % 5), filler(i % 2 ? 30'000 : 300, i)));
        if (w == 0 && store.put("bucket", fmt::format("kept{:06}", i), filler(20'000, i)))
          acknowledged = i + 1;
      }
    });
  for (int round = 0; round < 2; ++round) {
    while (acknowledged < 20u * (static_cast<unsigned>(round) + 1)) std::this_thread::yield();
    const unsigned before = acknowledged;
    save(store, file());
    const auto totals = restore_snapshot(file(), target());
    ASSERT_TRUE(totals) << totals.error().message();
    TestStore restored(target());
    ASSERT_EQ(restored.failure, "");
    for (unsigned i = 0; i < before; ++i) {
      auto found =
          restored.objects->find("bucket", fmt::format("kept{:06}", i), storage::ObjectStore::Want::kBytes);
      ASSERT_TRUE(found && found->object) << i;
    }
    Scrub scrub(*restored.objects, Scrub::Users::kAlone);
    ASSERT_TRUE(scrub.run());
    EXPECT_EQ(scrub.report().problems, 0u) << scrub.report().json("done");
    restored.objects.reset();
    ASSERT_TRUE(remove_tree(target()));
  }
  stop = true;
  for (auto& writer : writers) writer.join();
  Scrub scrub(*store.objects, Scrub::Users::kAlone);
  ASSERT_TRUE(scrub.run());
  EXPECT_EQ(scrub.report().problems, 0u) << "held back files went: " << scrub.report().json("done");
}

TEST_F(SnapshotTest, RefusesAFolderThatIsNotEmpty) {
  make_state();
  folder.file("restored/mine", "precious");
  const auto restored = restore_snapshot(file(), target());
  ASSERT_FALSE(restored);
  EXPECT_THAT(restored.error().message(), HasSubstr("--data DIR"));
  EXPECT_EQ(*read_file(target() / "mine"), "precious");
}

TEST_F(SnapshotTest, RefusesAFlippedByteWhereverItIs) {
  make_state();
  const auto whole = *read_file(file());
  for (std::size_t at = 0; at < whole.size(); at += whole.size() / 15 + 1) {
    patch([&](std::string& bytes) { bytes[at] = static_cast<char>(bytes[at] ^ 0x20); });
    const auto restored = restore_snapshot(file(), target());
    // Padding and what a header tells of times and owners are nobody's bytes.
    if (restored) {
      TestStore opened(target());
      Scrub scrub(*opened.objects, Scrub::Users::kAlone);
      ASSERT_TRUE(scrub.run());
      EXPECT_EQ(scrub.report().problems, 0u) << at;
      EXPECT_EQ(scrub.report().objects, 2u) << at;
    }
    ASSERT_TRUE(remove_tree(target()));
    ASSERT_TRUE(write_file(file(), whole));
  }
}

TEST_F(SnapshotTest, RefusesOtherBytesUnderTheSameName) {
  make_state();
  patch([](std::string& bytes) {
    const auto at = bytes.find(filler(100'000, 1).substr(50'000, 100));
    bytes.at(at) = static_cast<char>(bytes.at(at) ^ 1);
  });
  EXPECT_THAT(refusal(), HasSubstr("holds other bytes than were saved: objects/"));
}

TEST_F(SnapshotTest, RefusesOneThatIsCutOff) {
  make_state();
  const auto whole = *read_file(file());
  for (const std::size_t length : {std::size_t{0}, std::size_t{100}, whole.size() / 2, whole.size() - 3000}) {
    ASSERT_TRUE(write_file(file(), std::string_view(whole).substr(0, length)));
    EXPECT_THAT(refusal(), HasSubstr("is not a whole snapshot")) << length;
  }
}

TEST_F(SnapshotTest, RefusesOneWhoseEndIsNotItsListOfDigests) {
  write_archive({{"sagelet-snapshot", heading()}, {"ledger.db", "x"}});
  EXPECT_THAT(refusal(), HasSubstr("is cut off"));
  write_archive({{"sagelet-snapshot", heading()}, {"digests", ""}, {"ledger.db", "x"}});
  EXPECT_THAT(refusal(), HasSubstr("goes on behind its end"));
}

TEST_F(SnapshotTest, TakesNoNameFromAnArchive) {
  for (const char* name : {"../escaped", "/tmp/escaped", "ledger.db/../../escaped", "authority/../ledger.db",
                           "authority/other", "objects/00/../../x", "objects/34/0000000000001235",
                           "objects/34/00000000000012 4", "jobs/a/spec.json", "lock"}) {
    EXPECT_FALSE(place_of_entry(name)) << name;
    write_archive({{"sagelet-snapshot", heading()}, {name, "x"}});
    EXPECT_THAT(refusal(), HasSubstr("which no snapshot has")) << name;
  }
  EXPECT_TRUE(place_of_entry("objects/34/0000000000001234"));
}

TEST_F(SnapshotTest, RefusesLinksAndDoubles) {
  write_archive({{"sagelet-snapshot", heading()}, {"ledger.db", "/etc/passwd"}}, "/etc/passwd");
  EXPECT_THAT(refusal(), HasSubstr("no plain file"));
  write_archive({{"sagelet-snapshot", heading()}, {"ledger.db", "x"}, {"ledger.db", "y"}});
  EXPECT_NE(refusal(), "(restored)");
}

TEST_F(SnapshotTest, RefusesWhatIsNoSnapshotAndWhatComesFromTheFuture) {
  write_archive({{"readme", "hello"}});
  EXPECT_THAT(refusal(), HasSubstr("does not begin like one"));
  write_archive({{"sagelet-snapshot", R"({"format": 99})"}});
  EXPECT_THAT(refusal(), HasSubstr("newer sagelet"));
  write_archive({{"sagelet-snapshot", heading()}, {"digests", ""}});
  EXPECT_THAT(refusal(), HasSubstr("has no ledger"));
  ASSERT_TRUE(write_file(file(), "not a tar file at all"));
  EXPECT_NE(refusal(), "(restored)");
}

TEST_F(SnapshotTest, RefusesALedgerWhoseFilesAreNotAllThere) {
  TestStore store(data());
  ASSERT_TRUE(store.make_bucket("bucket"));
  ASSERT_TRUE(store.put("bucket", "large", filler(100'000, 1)));
  const auto prepared = folder.path() / "prepared";
  ASSERT_TRUE(prepare_snapshot(*store.objects, data(), prepared));
  ASSERT_TRUE(remove_tree(prepared / "objects"));
  ASSERT_TRUE(write_snapshot(prepared, file()));
  EXPECT_THAT(refusal(), HasSubstr("misses the bytes of an object"));
}

}  // namespace
}  // namespace sagelet::upkeep
