#include "runner/calls/spool.hpp"

#include <gtest/gtest.h>

#include "base/fs.hpp"

namespace sagelet::runner {
namespace {

class SpoolTest : public testing::Test {
 protected:
  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "spool-");
  std::string path_ = (folder_.path() / "spool").string();

  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }
};

TEST_F(SpoolTest, WritesTheBytesOfTheFormatPage) {
  LogSpool spool(path_, 1 << 20);
  spool.append(1, "hi");
  spool.commit();
  const std::string bytes = *read_file(path_ + "/00000000000000000000.log");
  EXPECT_EQ(bytes, std::string("\1\0\0\0\0\0\0\0\2\0\0\0hi", 14));
}

TEST_F(SpoolTest, GivesLinesInOrderAcrossSegmentsAndRemovesThem) {
  LogSpool spool(path_, 1 << 20, 100);
  for (int i = 0; i < 50; ++i) {
    spool.append(i, "line " + std::to_string(i));
    spool.commit();
  }
  EXPECT_GT(files(), 5u);
  spool.close();
  int expected = 0;
  while (const auto batch = spool.next(7, 1 << 20)) {
    EXPECT_LE(batch->records.size(), 7u);
    for (const LogRecord& record : batch->records)
      EXPECT_EQ(record.text, "line " + std::to_string(expected++));
    spool.acknowledge(*batch);
  }
  EXPECT_EQ(expected, 50);
  EXPECT_EQ(files(), 0u);
}

TEST_F(SpoolTest, RepeatsABatchThatWasNotAcknowledged) {
  LogSpool spool(path_, 1 << 20);
  spool.append(1, "a");
  spool.append(2, "b");
  spool.close();
  EXPECT_EQ(spool.next(10, 1000)->records.size(), 2u);
  const auto again = spool.next(10, 1000);
  EXPECT_EQ(again->records.at(0).text, "a");
  spool.acknowledge(*again);
  EXPECT_FALSE(spool.next(10, 1000));
}

TEST_F(SpoolTest, DropsLinesWhenFullAndSaysHowMany) {
  LogSpool spool(path_, 1000);
  const std::string line(188, 'x');  // 200 bytes a record
  for (int i = 0; i < 12; ++i) spool.append(1, line);
  spool.commit();
  const auto batch = spool.next(100, 1 << 20);
  EXPECT_EQ(batch->records.size(), 5u);
  spool.acknowledge(*batch);
  spool.append(2, "after");
  spool.close();
  const auto rest = spool.next(100, 1 << 20);
  ASSERT_EQ(rest->records.size(), 2u);
  EXPECT_NE(rest->records[0].text.find("7 log lines are missing"), std::string::npos);
  EXPECT_EQ(rest->records[1].text, "after");
}

TEST_F(SpoolTest, SaysAtTheEndWhatIsMissing) {
  LogSpool spool(path_, 100);
  spool.append(1, std::string(80, 'x'));
  for (int i = 0; i < 3; ++i) spool.append(1, "lost");
  spool.close();
  const auto batch = spool.next(100, 1 << 20);
  EXPECT_NE(batch->records.back().text.find("3 log lines are missing"), std::string::npos);
}

TEST_F(SpoolTest, CutsLongLinesBetweenCharacters) {
  LogSpool spool(path_, 1 << 22);
  std::string line(262143, 'x');
  line += "\xc3\xa9 end";
  spool.append(1, line);
  spool.close();
  const auto batch = spool.next(100, 1 << 20);
  ASSERT_EQ(batch->records.size(), 2u);
  EXPECT_EQ(batch->records[0].text.size(), 262143u);
  EXPECT_EQ(batch->records[1].text, "\xc3\xa9 end");
}

TEST_F(SpoolTest, KeepsABatchWithinTheServicesSize) {
  LogSpool spool(path_, 1 << 24);
  for (int i = 0; i < 10; ++i) spool.append(1, std::string(200000, 'x'));
  spool.close();
  std::size_t records = 0;
  while (const auto batch = spool.next(10000, 1048576)) {
    EXPECT_LE(batch->records.size(), 5u);
    records += batch->records.size();
    spool.acknowledge(*batch);
  }
  EXPECT_EQ(records, 10u);
}

TEST_F(SpoolTest, TimesNeverGoBack) {
  LogSpool spool(path_, 1 << 20);
  spool.append(9, "a");
  spool.append(5, "b");
  spool.close();
  EXPECT_EQ(spool.next(10, 1000)->records.at(1).time_ms, 9);
}

TEST_F(SpoolTest, AbandonedSpoolTakesAndGivesNothing) {
  LogSpool spool(path_, 1 << 20);
  spool.append(1, "a");
  spool.commit();
  spool.abandon();
  spool.append(1, "b");
  spool.commit();
  EXPECT_FALSE(spool.next(10, 1000));
  EXPECT_EQ(files(), 0u);
}

}  // namespace
}  // namespace sagelet::runner
