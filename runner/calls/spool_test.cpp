#include "runner/calls/spool.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "base/fs.hpp"

namespace sagelet::runner {
namespace {

class SpoolTest : public testing::Test {
 protected:
  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "spool-");
  std::string path_ = (folder_.path() / "spool").string();

  std::size_t files() const {
    std::size_t segments = 0;
    for (const auto& entry : fs::directory_iterator(path_)) segments += entry.path().extension() == ".log";
    return segments;
  }
};

TEST_F(SpoolTest, WritesTheBytesOfTheFormatPage) {
  LogSpool spool(path_, 1 << 20);
  spool.append(1, "hi");
  spool.commit();
  const std::string bytes = *read_file(path_ + "/00000000000000000000-0.log");
  EXPECT_EQ(bytes, std::string("\1\0\0\0\0\0\0\0\2\0\0\x80hi", 14));
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
    spool.acknowledge(*batch, 0);
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
  spool.acknowledge(*again, 0);
  EXPECT_FALSE(spool.next(10, 1000));
}

TEST_F(SpoolTest, DropsLinesWhenFullAndSaysHowMany) {
  LogSpool spool(path_, 1000);
  const std::string line(188, 'x');  // 200 bytes a record
  for (int i = 0; i < 12; ++i) spool.append(1, line);
  spool.commit();
  const auto batch = spool.next(100, 1 << 20);
  EXPECT_EQ(batch->records.size(), 5u);
  spool.acknowledge(*batch, 0);
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
    spool.acknowledge(*batch, 0);
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

/// What a spool after a killed runner gives, without end.
std::vector<std::string> texts_of(LogSpool& spool) {
  std::vector<std::string> texts;
  spool.close();
  while (const auto batch = spool.next(100, 1 << 20)) {
    for (const LogRecord& record : batch->records) texts.push_back(record.text);
    spool.acknowledge(*batch, 0);
  }
  return texts;
}

/// Destroyed without a word, as by SIGKILL.
class KilledSpoolTest : public SpoolTest {
 protected:
  std::unique_ptr<LogSpool> before_ = std::make_unique<LogSpool>(path_, 1 << 20, 100);
  void put(std::initializer_list<const char*> lines) {
    for (const char* line : lines) {
      before_->append(7, line);
      before_->commit();
    }
  }
};

TEST_F(KilledSpoolTest, TheNextGivesTheRestAndKnowsHowManyLinesThereWere) {
  put({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  before_->acknowledge(*before_->next(8, 1 << 20), 3);
  before_->append(1, "never on disk");
  before_.reset();
  LogSpool spool(path_, 1 << 20, 100);
  EXPECT_TRUE(spool.has_waiting());
  EXPECT_EQ(spool.lines_found(), 10u);
  EXPECT_EQ(spool.batches_found(), 3u);
  spool.append(1, "k");
  EXPECT_EQ(texts_of(spool), (std::vector<std::string>{"i", "j", "k"}));
}

TEST_F(KilledSpoolTest, TheBatchThatWasBeingSentIsSentAgainAsItWas) {
  put({"a", "b", "c"});
  const auto batch = before_->next(2, 1 << 20);
  before_->sending(*batch, 5);
  put({"d"});
  before_.reset();
  LogSpool spool(path_, 1 << 20, 100);
  EXPECT_EQ(spool.batches_found(), 5u);
  const auto again = spool.next(100, 1 << 20);
  ASSERT_EQ(again->records.size(), 2u);
  EXPECT_EQ(again->records[1].text, "b");
  spool.acknowledge(*again, 6);
  EXPECT_EQ(texts_of(spool), (std::vector<std::string>{"c", "d"}));
}

TEST_F(KilledSpoolTest, LinesOfOursAndPartsOfLongLinesDoNotCount) {
  before_->append(1, std::string(300000, 'x'));
  before_->append(1, "[sagelet] a note", LogSpool::Of::kOurselves);
  before_->append(1, "second");
  before_->commit();
  before_.reset();
  EXPECT_EQ(LogSpool(path_, 1 << 20).lines_found(), 2u);
}

TEST_F(KilledSpoolTest, LinesCountThatWereDroppedBeforeAGapWasSaid) {
  before_ = std::make_unique<LogSpool>(path_, 60, 1 << 20);
  put({"a", "b"});
  for (int i = 0; i < 5; ++i) before_->append(1, std::string(50, 'x'));
  before_->acknowledge(*before_->next(100, 1 << 20), 1);
  put({"c"});
  before_.reset();
  EXPECT_EQ(LogSpool(path_, 60, 1 << 20).lines_found(), 8u);
}

TEST_F(KilledSpoolTest, ATornEndIsCutOff) {
  put({"whole"});
  before_.reset();
  const std::string file = path_ + "/00000000000000000000-0.log";
  std::string bytes = *read_file(file);
  const auto whole = bytes.size();
  for (std::size_t torn = 1; torn < whole; ++torn) {
    ASSERT_TRUE(write_file(file, bytes + bytes.substr(0, torn)));
    LogSpool spool(path_, 1 << 20);
    EXPECT_EQ(spool.lines_found(), 1u);
    EXPECT_EQ(fs::file_size(file), whole);
  }
}

TEST_F(KilledSpoolTest, TimesGoOnFromTheNewestLine) {
  put({"a"});
  before_.reset();
  LogSpool spool(path_, 1 << 20);
  spool.append(3, "b");
  spool.commit();
  const auto batch = spool.next(2, 1 << 20);
  EXPECT_EQ(batch->records.at(1).time_ms, 7);
}

}  // namespace
}  // namespace sagelet::runner
