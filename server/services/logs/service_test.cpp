#include "server/services/logs/service.hpp"

#include "server/services/testing.hpp"

namespace sagelet::logs {
namespace {

constexpr const char* kGroup = "/aws/sagemaker/TrainingJobs";

class Logs : public ::testing::Test {
 protected:
  void SetUp() override {
    desk.get(*logs, "CreateLogGroup", {{"logGroupName", kGroup}});
    create_stream("job/algo-1-1");
  }
  void create_stream(const std::string& name) {
    desk.get(*logs, "CreateLogStream", {{"logGroupName", kGroup}, {"logStreamName", name}});
  }
  static Document event(std::int64_t time, const std::string& message) {
    return {{"timestamp", time}, {"message", message}};
  }
  std::int64_t now() { return to_millis(desk.clock.now()); }
  Document put_params(std::vector<Document> events, const std::string& stream = "job/algo-1-1") {
    return {{"logGroupName", kGroup}, {"logStreamName", stream}, {"logEvents", std::move(events)}};
  }
  Document put(std::vector<Document> events, const std::string& stream = "job/algo-1-1") {
    return desk.get(*logs, "PutLogEvents", put_params(std::move(events), stream));
  }
  Document read(Document more = Document::object()) {
    Document params{{"logGroupName", kGroup}, {"logStreamName", "job/algo-1-1"}};
    params.update(more);
    return desk.get(*logs, "GetLogEvents", params);
  }
  static std::vector<std::string> messages(const Document& answer) {
    std::vector<std::string> found;
    for (const auto& shown : answer["events"]) found.push_back(shown["message"]);
    return found;
  }
  Document describe(Document more = Document::object()) {
    Document params{{"logGroupName", kGroup}};
    params.update(more);
    return desk.get(*logs, "DescribeLogStreams", params);
  }
  Document filter(Document more = Document::object()) {
    Document params{{"logGroupName", kGroup}};
    params.update(more);
    return desk.get(*logs, "FilterLogEvents", params);
  }

  testing::Desk desk;
  std::unique_ptr<Service> logs = make_logs(desk.ledger());
};

using Lines = std::vector<std::string>;

TEST_F(Logs, GroupsAndStreamsAreMadeOnce) {
  EXPECT_EQ(desk.refusal(*logs, "CreateLogGroup", {{"logGroupName", kGroup}}).code,
            "ResourceAlreadyExistsException");
  EXPECT_EQ(
      desk.refusal(*logs, "CreateLogStream", {{"logGroupName", kGroup}, {"logStreamName", "job/algo-1-1"}})
          .code,
      "ResourceAlreadyExistsException");
  const auto error =
      desk.refusal(*logs, "CreateLogStream", {{"logGroupName", "none"}, {"logStreamName", "s"}});
  EXPECT_EQ(error.code, "ResourceNotFoundException");
  EXPECT_EQ(error.message, "The specified log group does not exist.");
}

TEST_F(Logs, GivesBackEventsInTheOrderOfTheirTimes) {
  put({event(now() + 5, "b"), event(now() + 9, "c")});
  put({event(now() + 1, "a"), event(now() + 7, "b2")});
  EXPECT_EQ(messages(read({{"startFromHead", true}})), (Lines{"a", "b", "b2", "c"}));
  EXPECT_EQ(messages(read()), (Lines{"a", "b", "b2", "c"}));
}

TEST_F(Logs, EventsOfOneTimeKeepTheOrderTheyCameIn) {
  for (int i = 0; i < 5; ++i)
    put({event(now(), std::to_string(2 * i)), event(now(), std::to_string(2 * i + 1))});
  EXPECT_EQ(messages(read({{"startFromHead", true}})),
            (Lines{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  EXPECT_EQ(messages(read({{"startFromHead", true}, {"startTime", now()}})).size(), 10u);
  EXPECT_EQ(messages(read({{"startFromHead", true}, {"endTime", now()}})).size(), 0u);
}

TEST_F(Logs, ForwardTokensReadOnToAnEmptyPageThatStaysUntilEventsCome) {
  put({event(now(), "1"), event(now(), "2"), event(now() + 1, "3")});
  const auto first = read({{"startFromHead", true}, {"limit", 2}});
  EXPECT_EQ(messages(first), (Lines{"1", "2"}));
  const auto second = read({{"startFromHead", true}, {"limit", 2}, {"nextToken", first["nextForwardToken"]}});
  EXPECT_EQ(messages(second), (Lines{"3"}));
  const auto end = read({{"startFromHead", true}, {"nextToken", second["nextForwardToken"]}});
  EXPECT_EQ(messages(end), Lines{});
  EXPECT_EQ(end["nextForwardToken"], second["nextForwardToken"]);
  put({event(now() + 2, "4")});
  EXPECT_EQ(messages(read({{"nextToken", end["nextForwardToken"]}})), (Lines{"4"}));
}

TEST_F(Logs, BackwardTokensReadTowardsTheBeginning) {
  put({event(now(), "1"), event(now() + 1, "2"), event(now() + 2, "3")});
  const auto newest = read({{"limit", 2}});
  EXPECT_EQ(messages(newest), (Lines{"2", "3"}));
  const auto older = read({{"limit", 2}, {"nextToken", newest["nextBackwardToken"]}});
  EXPECT_EQ(messages(older), (Lines{"1"}));
  const auto end = read({{"nextToken", older["nextBackwardToken"]}});
  EXPECT_EQ(messages(end), Lines{});
  EXPECT_EQ(end["nextBackwardToken"], older["nextBackwardToken"]);
  EXPECT_EQ(messages(read({{"nextToken", end["nextForwardToken"]}})), (Lines{"1", "2", "3"}));
}

TEST_F(Logs, AStreamWithoutEventsIsAnEmptyPageThatCanBeReadOnFrom) {
  const auto empty = read({{"startFromHead", true}});
  EXPECT_EQ(messages(empty), Lines{});
  put({event(now(), "first")});
  EXPECT_EQ(messages(read({{"nextToken", empty["nextForwardToken"]}})), (Lines{"first"}));
}

TEST_F(Logs, RefusesATokenThatIsNotItsOwn) {
  for (const char* token :
       {"nonsense", "f/1/s", "x/00000000000000000000000000000000000000000000000000000000/s"})
    EXPECT_EQ(
        desk.refusal(*logs, "GetLogEvents",
                     {{"logGroupName", kGroup}, {"logStreamName", "job/algo-1-1"}, {"nextToken", token}})
            .code,
        "InvalidParameterException");
}

TEST_F(Logs, ManyLinesComeBackWholeThroughRowsAndPages) {
  Lines sent;
  for (int batch = 0; batch < 20; ++batch) {
    std::vector<Document> events;
    for (int i = 0; i < 500; ++i) {
      sent.push_back("line " + std::to_string(batch * 500 + i) + std::string(i % 90, 'x'));
      events.push_back(event(now() + batch, sent.back()));
    }
    put(std::move(events));
  }
  Lines got;
  Document page = read({{"startFromHead", true}, {"limit", 777}});
  while (!page["events"].empty()) {
    for (auto& line : messages(page)) got.push_back(line);
    page = read({{"limit", 777}, {"nextToken", page["nextForwardToken"]}});
  }
  EXPECT_EQ(got, sent);
}

TEST_F(Logs, APageHoldsOneMebibyteAtMost) {
  const std::string half(600 * 1024, 'x');
  put({event(now(), half)});
  put({event(now() + 1, half)});
  const auto first = read({{"startFromHead", true}});
  EXPECT_EQ(first["events"].size(), 1u);
  EXPECT_EQ(read({{"nextToken", first["nextForwardToken"]}})["events"].size(), 1u);
}

TEST_F(Logs, ABatchSentTwiceWithItsTokenIsKeptOnce) {
  const std::string zeros(56, '0');
  Document params = put_params({event(now(), "once")});
  params["sequenceToken"] = zeros;
  const auto first = desk.get(*logs, "PutLogEvents", params);
  EXPECT_EQ(first["nextSequenceToken"], std::string(55, '0') + "1");
  const auto again = desk.refusal(*logs, "PutLogEvents", params);
  EXPECT_EQ(again.code, "DataAlreadyAcceptedException");
  ASSERT_EQ(again.members.size(), 1u);
  EXPECT_EQ(again.members[0].first, "expectedSequenceToken");
  EXPECT_EQ(again.members[0].second, std::string(55, '0') + "1");
  EXPECT_EQ(messages(read()), (Lines{"once"}));
  params["sequenceToken"] = std::string(55, '0') + "7";
  EXPECT_EQ(desk.refusal(*logs, "PutLogEvents", params).code, "InvalidSequenceTokenException");
  params.erase("sequenceToken");
  EXPECT_EQ(desk.get(*logs, "PutLogEvents", params)["nextSequenceToken"], std::string(55, '0') + "2");
}

TEST_F(Logs, RefusesBatchesThatCloudWatchWould) {
  const auto refused = [&](std::vector<Document> events) {
    return desk.refusal(*logs, "PutLogEvents", put_params(std::move(events))).code;
  };
  EXPECT_EQ(refused({event(now() + 1, "b"), event(now(), "a")}), "InvalidParameterException");
  EXPECT_EQ(refused({event(now() - 90'000'000, "a"), event(now(), "b")}), "InvalidParameterException");
  EXPECT_EQ(refused({event(now(), std::string(1 << 20, 'x'))}), "InvalidParameterException");
  EXPECT_EQ(desk.refusal(*logs, "PutLogEvents", put_params({event(now(), "a")}, "none")).message,
            "The specified log stream does not exist.");
}

TEST_F(Logs, SaysWhichEventsWereTooNewOrTooOld) {
  const std::int64_t day = 86'400'000;
  const auto late = put({event(now(), "fine"), event(now() + 3 * 3600 * 1000, "too new")});
  EXPECT_EQ(late["rejectedLogEventsInfo"]["tooNewLogEventStartIndex"], 1);
  const auto early = put({event(now() - 14 * day - 1, "too old"), event(now() - 14 * day + 10, "just fine")});
  EXPECT_EQ(early["rejectedLogEventsInfo"]["tooOldLogEventEndIndex"], 1);
  EXPECT_EQ(messages(read({{"startFromHead", true}})), (Lines{"just fine", "fine"}));
}

TEST_F(Logs, DescribesStreamsByPrefixWithATokenOnlyWhenMoreRemain) {
  create_stream("job/algo-2-1");
  create_stream("other/algo-1-1");
  const auto all = describe({{"logStreamNamePrefix", "job/"}, {"orderBy", "LogStreamName"}, {"limit", 2}});
  EXPECT_EQ(all["logStreams"].size(), 2u);
  EXPECT_FALSE(all.contains("nextToken"));
  const auto first = describe({{"logStreamNamePrefix", "job/"}, {"limit", 1}});
  ASSERT_TRUE(first.contains("nextToken"));
  const auto second =
      describe({{"logStreamNamePrefix", "job/"}, {"limit", 1}, {"nextToken", first["nextToken"]}});
  EXPECT_EQ(second["logStreams"][0]["logStreamName"], "job/algo-2-1");
  EXPECT_FALSE(second.contains("nextToken"));
  const auto down = describe({{"descending", true}, {"limit", 1}});
  EXPECT_EQ(down["logStreams"][0]["logStreamName"], "other/algo-1-1");
}

TEST_F(Logs, DescribesWhatAStreamHolds) {
  put({event(now() + 5, "ab"), event(now() + 9, "c")});
  const auto stream = describe()["logStreams"][0];
  EXPECT_EQ(stream["firstEventTimestamp"], now() + 5);
  EXPECT_EQ(stream["lastEventTimestamp"], now() + 9);
  EXPECT_EQ(stream["lastIngestionTime"], now());
  EXPECT_EQ(stream["storedBytes"], 3 + 2 * 26);
  EXPECT_EQ(stream["uploadSequenceToken"], std::string(55, '0') + "1");
  EXPECT_EQ(stream["arn"], std::string("arn:aws:logs:us-east-1:000000000000:log-group:") + kGroup +
                               ":log-stream:job/algo-1-1");
}

TEST_F(Logs, OrdersStreamsByTheirLastEvent) {
  create_stream("job/algo-2-1");
  put({event(now() + 9, "late")});
  put({event(now() + 1, "early")}, "job/algo-2-1");
  const auto first = describe({{"orderBy", "LastEventTime"}, {"descending", true}, {"limit", 1}});
  EXPECT_EQ(first["logStreams"][0]["logStreamName"], "job/algo-1-1");
  const auto second =
      describe({{"orderBy", "LastEventTime"}, {"descending", true}, {"nextToken", first["nextToken"]}});
  EXPECT_EQ(second["logStreams"][0]["logStreamName"], "job/algo-2-1");
  EXPECT_EQ(
      desk.refusal(*logs, "DescribeLogStreams",
                   {{"logGroupName", kGroup}, {"orderBy", "LastEventTime"}, {"logStreamNamePrefix", "j"}})
          .code,
      "InvalidParameterException");
}

TEST_F(Logs, FiltersInterleavedStreamsInPages) {
  create_stream("job/algo-2-1");
  put({event(now() + 1, "one ERROR"), event(now() + 3, "three ERROR"), event(now() + 4, "fine")});
  put({event(now() + 2, "two ERROR")}, "job/algo-2-1");
  const auto first = filter({{"filterPattern", "ERROR"}, {"limit", 2}, {"logStreamNamePrefix", "job/"}});
  EXPECT_EQ(messages(first), (Lines{"one ERROR", "two ERROR"}));
  EXPECT_EQ(first["events"][1]["logStreamName"], "job/algo-2-1");
  const auto second = filter({{"filterPattern", "ERROR"},
                              {"limit", 2},
                              {"logStreamNamePrefix", "job/"},
                              {"nextToken", first["nextToken"]}});
  EXPECT_EQ(messages(second), (Lines{"three ERROR"}));
  EXPECT_FALSE(second.contains("nextToken"));
  EXPECT_EQ(messages(filter({{"logStreamNames", {"job/algo-2-1"}}})), (Lines{"two ERROR"}));
  EXPECT_EQ(messages(filter({{"startTime", now() + 3}})), (Lines{"three ERROR", "fine"}));
}

TEST_F(Logs, DescribesGroupsByPrefixAndPart) {
  desk.get(*logs, "CreateLogGroup", {{"logGroupName", "/aws/lambda/x"}, {"tags", {{"team", "a"}}}});
  EXPECT_EQ(desk.get(*logs, "DescribeLogGroups")["logGroups"].size(), 2u);
  const auto found = desk.get(*logs, "DescribeLogGroups", {{"logGroupNamePrefix", "/aws/sage"}})["logGroups"];
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]["arn"], std::string("arn:aws:logs:us-east-1:000000000000:log-group:") + kGroup + ":*");
  EXPECT_EQ(desk.get(*logs, "DescribeLogGroups", {{"logGroupNamePattern", "LAMBDA"}})["logGroups"].size(),
            1u);
  const auto first = desk.get(*logs, "DescribeLogGroups", {{"limit", 1}});
  const auto second = desk.get(*logs, "DescribeLogGroups", {{"limit", 1}, {"nextToken", first["nextToken"]}});
  EXPECT_EQ(second["logGroups"][0]["logGroupName"], kGroup);
  EXPECT_FALSE(second.contains("nextToken"));
}

TEST_F(Logs, RetentionAndTagsAreKept) {
  desk.get(*logs, "PutRetentionPolicy", {{"logGroupName", kGroup}, {"retentionInDays", 7}});
  EXPECT_EQ(desk.get(*logs, "DescribeLogGroups")["logGroups"][0]["retentionInDays"], 7);
  EXPECT_EQ(
      desk.refusal(*logs, "PutRetentionPolicy", {{"logGroupName", kGroup}, {"retentionInDays", 8}}).code,
      "InvalidParameterException");
  const std::string arn = std::string("arn:aws:logs:us-east-1:000000000000:log-group:") + kGroup;
  desk.get(*logs, "TagResource", {{"resourceArn", arn}, {"tags", {{"a", "1"}, {"b", "2"}}}});
  desk.get(*logs, "UntagResource", {{"resourceArn", arn}, {"tagKeys", {"a"}}});
  EXPECT_EQ(desk.get(*logs, "ListTagsForResource", {{"resourceArn", arn}})["tags"], Document({{"b", "2"}}));
}

TEST_F(Logs, DeletedStreamsAndGroupsTakeTheirEventsAlong) {
  put({event(now(), "gone")});
  desk.get(*logs, "DeleteLogStream", {{"logGroupName", kGroup}, {"logStreamName", "job/algo-1-1"}});
  EXPECT_EQ(desk.get(*logs, "DescribeLogGroups")["logGroups"][0]["storedBytes"], 0);
  create_stream("job/algo-1-1");
  EXPECT_EQ(messages(read()), Lines{});
  desk.get(*logs, "DeleteLogGroup", {{"logGroupName", kGroup}});
  EXPECT_EQ(desk.refusal(*logs, "DescribeLogStreams", {{"logGroupName", kGroup}}).code,
            "ResourceNotFoundException");
}

TEST_F(Logs, AGroupCanBeNamedByItsArn) {
  put({event(now(), "x")});
  const auto answer = desk.get(
      *logs, "GetLogEvents",
      {{"logGroupIdentifier", std::string("arn:aws:logs:us-east-1:000000000000:log-group:") + kGroup + ":*"},
       {"logStreamName", "job/algo-1-1"}});
  EXPECT_EQ(messages(answer), (Lines{"x"}));
}

}  // namespace
}  // namespace sagelet::logs
