#include "server/resources/records.hpp"

#include "base/fs.hpp"
#include "gtest/gtest.h"

namespace sagelet::resources {
namespace {

using storage::Connection;

class Records : public ::testing::Test {
 protected:
  Status change(const storage::Change& change) { return ledger->commit_and_wait(change); }
  Record record(const std::string& name) {
    return {.name = name,
            .status = "New",
            .created_ms = ++time,
            .modified_ms = time,
            .summary = "{\"n\":\"" + name + "\"}",
            .fixed = "\"a\":1",
            .changing = "\"b\":2"};
  }
  Record kept(const std::string& name) {
    Record made = record(name);
    EXPECT_TRUE(change([&](Connection& connection) { return insert(connection, scope, made); }));
    return made;
  }
  Result<Record> found(const std::string& name) {
    Result<Record> result = Error(ErrorKind::kInternal, "not read");
    EXPECT_TRUE(ledger->read([&](Connection& connection) -> Status {
      result = find(connection, scope, name);
      return {};
    }));
    return result;
  }

  TempFolder folder = TempFolder::make(fs::temp_directory_path(), "records").value();
  std::unique_ptr<storage::Ledger> ledger =
      storage::Ledger::open(folder.path() / "ledger.db", storage::Durability::kProcess).value();
  Scope scope{"Thing", AccountId("000000000000"), "us-east-1"};
  std::int64_t time = 1000;
};

TEST_F(Records, TheAnswerIsSplicedFromItsPieces) {
  EXPECT_EQ(record("x").answer(), "{\"a\":1,\"b\":2}");
  EXPECT_EQ((Record{.fixed = "\"a\":1"}).answer(), "{\"a\":1}");
  EXPECT_EQ(Record{}.answer(), "{}");
}

TEST_F(Records, ANameIsTakenOncePerScope) {
  kept("x");
  Record again = record("x");
  EXPECT_TRUE(change([&](Connection& connection) { return insert(connection, scope, again); })
                  .error()
                  .is(ErrorKind::kAlreadyExists));
  const Scope elsewhere("Thing", AccountId("000000000000"), "eu-west-1");
  EXPECT_TRUE(change([&](Connection& connection) { return insert(connection, elsewhere, again); }));
}

TEST_F(Records, UpdateChangesWhatMayChange) {
  Record changed = kept("x");
  changed.status = "Old";
  changed.changing = "\"b\":3";
  changed.hidden = "{\"h\":1}";
  changed.modified_ms = 9999;
  ASSERT_TRUE(change([&](Connection& connection) { return update(connection, changed); }));
  const auto now = found("x");
  ASSERT_TRUE(now);
  EXPECT_EQ(now->answer(), "{\"a\":1,\"b\":3}");
  EXPECT_EQ(now->status, "Old");
  EXPECT_EQ(now->hidden, "{\"h\":1}");
  EXPECT_EQ(now->modified_ms, 9999);
}

TEST_F(Records, AHandleFindsItsRecordToo) {
  Record made = record("x");
  made.handle = "job7";
  ASSERT_TRUE(change([&](Connection& connection) { return insert(connection, scope, made); }));
  kept("without");
  ASSERT_TRUE(change([&](Connection& connection) -> Status {
    TRY(const Record same, find_by_handle(connection, "job7"));
    EXPECT_EQ(same.name, "x");
    EXPECT_TRUE(find_by_handle(connection, "").error().is(ErrorKind::kNotFound));
    return {};
  }));
}

TEST_F(Records, AnErasedRecordIsGoneWithItsBody) {
  const Record made = kept("x");
  ASSERT_TRUE(change([&](Connection& connection) { return erase(connection, made.id); }));
  EXPECT_TRUE(found("x").error().is(ErrorKind::kNotFound));
  kept("x");
}

TEST_F(Records, APageOfTenThousandReadsOnlyItsRows) {
  ASSERT_TRUE(change([&](Connection& connection) -> Status {
    for (int i = 0; i < 10'000; ++i) {
      Record made = record("thing-" + std::to_string(i));
      made.fixed = "\"long\":\"" + std::string(3000, 'x') + "\"";
      TRY(insert(connection, scope, made));
    }
    return {};
  }));
  Query query{.descending = true, .limit = 100};
  const auto start = std::chrono::steady_clock::now();
  Page last;
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(ledger->read([&](Connection& connection) -> Status {
      TRY(last, page(connection, scope, query));
      query.after = last.next;
      return {};
    }));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(last.count, 100);
  RecordProperty("microseconds_a_page",
                 std::chrono::duration_cast<std::chrono::microseconds>(took).count() / 20);
  EXPECT_LT(took, std::chrono::seconds(1)) << "a page costs more than 50 ms: it is not read from an index";
}

}  // namespace
}  // namespace sagelet::resources
