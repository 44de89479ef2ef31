#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/fs.hpp"
#include "runner/calls/imposter.hpp"
#include "runner/calls/logs.hpp"
#include "runner/calls/reports.hpp"
#include "runner/calls/s3.hpp"

namespace sagelet::runner {
namespace {

using Json = nlohmann::json;

bool asks(const Heard& heard, std::string_view what) {
  return heard.head.find(what) != std::string::npos;
}

class CallsTest : public testing::Test {
 protected:
  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "calls-");

  JobSpec spec(const std::string& url) {
    JobSpec spec;
    spec.job_id = "j";
    spec.folder = folder_.path().string();
    spec.server_url = url;
    spec.report_token = "tok";
    spec.access_key = "AK", spec.secret_key = "SK", spec.region = "us-east-1";
    spec.log_group = "/g", spec.log_stream = "s";
    EXPECT_TRUE(write_file(folder_.path() / "spec.json", "{}"));
    return spec;
  }
};

/// CloudWatch Logs as far as sequence tokens go.
struct LogService {
  bool group = false, stream = false;
  std::uint64_t accepted = 0;
  std::vector<std::string> lines;
  int lose_answers = 0;  ///< accepts, but the answer never arrives

  Say operator()(const Heard& heard) {
    if (asks(heard, "CreateLogGroup")) return group = true, Say{};
    if (asks(heard, "CreateLogStream")) {
      if (!group) return {400, R"({"__type":"com.amazonaws.logs#ResourceNotFoundException"})"};
      return stream = true, Say{};
    }
    const Json body = Json::parse(heard.body);
    const auto token = std::stoull(body["sequenceToken"].get<std::string>());
    if (token + 1 == accepted)
      return {400, R"({"__type":"DataAlreadyAcceptedException","expectedSequenceToken":"x"})"};
    if (token != accepted)
      return {400, R"({"__type":"InvalidSequenceTokenException","expectedSequenceToken":")" +
                       std::to_string(accepted) + "\"}"};
    ++accepted;
    for (const Json& event : body["logEvents"]) lines.push_back(event["message"]);
    return lose_answers-- > 0 ? Say{0, ""} : Say{};
  }
};

TEST_F(CallsTest, LogLinesArriveOnceAndInOrderThoughAnswersGetLost) {
  LogService service;
  service.lose_answers = 2;
  Imposter server([&](const Heard& heard) { return service(heard); });
  LogSender log(spec(server.url()));
  std::vector<std::string> sent;
  for (int i = 0; i < 500; ++i) {
    sent.push_back("line " + std::to_string(i));
    log.say(sent.back());
    if (i % 50 == 0) log.flush();
  }
  log.finish();
  EXPECT_EQ(service.lines, sent);
  EXPECT_TRUE(service.group && service.stream);
}

TEST_F(CallsTest, NoLineNoStream) {
  Imposter server([](const Heard&) { return Say{}; });
  LogSender log(spec(server.url()));
  log.say("");
  log.finish();
  EXPECT_TRUE(server.heard().empty());
}

TEST_F(CallsTest, BytesThatAreNotUtf8DoNotStopTheLog) {
  LogService service{.group = true};
  Imposter server([&](const Heard& heard) { return service(heard); });
  LogSender log(spec(server.url()));
  log.say("a\xff\"\\\x01");
  log.finish();
  EXPECT_EQ(service.lines, std::vector<std::string>{"a\xef\xbf\xbd\"\\\x01"});
}

TEST_F(CallsTest, LogIsGivenUpWhenTheJobsFolderIsGone) {
  const JobSpec job = spec("http://127.0.0.1:1");  // nobody listens
  LogSender log(job);
  log.say("x");
  ASSERT_TRUE(remove_tree(job.folder));
  log.finish();
}

TEST_F(CallsTest, ReportsComeInOrderAndStayOnDiskUntilAcknowledged) {
  int refusals = 3;
  std::vector<std::uint64_t> numbers;
  bool on_disk = true;
  Imposter server([&](const Heard& heard) {
    const auto report = Report::from_json(heard.body);
    on_disk = on_disk && fs::exists(folder_.path() / "reports" / (std::to_string(report->number) + ".json"));
    if (refusals-- > 0) return Say{refusals == 1 ? 0 : 503, ""};
    numbers.push_back(report->number);
    return Say{};
  });
  Reporter reports(spec(server.url()));
  for (int i = 0; i < 3; ++i) reports.say({});
  reports.finish();
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_TRUE(on_disk);
  EXPECT_TRUE(fs::is_empty(folder_.path() / "reports"));
  EXPECT_TRUE(asks(server.heard().at(0), "Bearer tok"));
}

TEST_F(CallsTest, ReportsOfAnUnknownJobAreGivenUp) {
  Imposter server([](const Heard&) { return Say{404, ""}; });
  Reporter reports(spec(server.url()));
  for (int i = 0; i < 3; ++i) reports.say({});
  reports.finish();
  EXPECT_EQ(server.heard().size(), 1u);
}

TEST_F(CallsTest, ListsPageByPageAndDecodesKeys) {
  Imposter server([](const Heard& heard) {
    const bool second = asks(heard, "continuation-token=t%2F1");
    return Say{200,
               second ? "<ListBucketResult><Contents><Key>c</Key><Size>3</Size></Contents></ListBucketResult>"
                      : "<ListBucketResult><Contents><Key>a+b%2Bc%0A</Key><Size>1</Size></Contents>"
                        "<NextContinuationToken>t/1</NextContinuationToken></ListBucketResult>"};
  });
  S3 s3(Server::of(spec(server.url())), nullptr);
  std::vector<S3Object> objects;
  std::size_t pages = 0;
  const auto listed = s3.list({"b", "a b/"}, [&](std::vector<S3Object> page) -> Status {
    objects.insert(objects.end(), page.begin(), page.end());
    EXPECT_EQ(objects.size(), ++pages);
    return {};
  });
  ASSERT_TRUE(listed) << listed.error().message();
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[0].key, "a b+c\n");
  EXPECT_EQ(objects[1].size, 3u);
  EXPECT_TRUE(asks(server.heard().at(0), "prefix=a%20b%2F"));
}

TEST_F(CallsTest, DownloadStartsOverWhenItBreaksOff) {
  int tries = 0;
  Imposter server([&](const Heard&) { return ++tries == 1 ? Say{503, "later"} : Say{200, "content"}; });
  S3 s3(Server::of(spec(server.url())), nullptr);
  const std::string file = (folder_.path() / "f").string();
  ASSERT_TRUE(s3.download({"b", "k"}, file));
  EXPECT_EQ(*read_file(file), "content");
}

TEST_F(CallsTest, ErrorsHoldS3sWords) {
  Imposter server([](const Heard&) {
    return Say{403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"};
  });
  S3 s3(Server::of(spec(server.url())), nullptr);
  const auto done = s3.download({"b", "k"}, (folder_.path() / "f").string());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "AccessDenied (403): no: s3://b/k");
}

TEST_F(CallsTest, LargeFilesGoUpInParts) {
  std::uint64_t bytes = 0;
  Imposter server([&](const Heard& heard) {
    if (asks(heard, "uploads="))
      return Say{200,
                 "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"};
    if (heard.line.starts_with("PUT")) bytes += heard.body.size();
    return Say{200, "<CompleteMultipartUploadResult/>"};
  });
  const std::string file = (folder_.path() / "big").string();
  ASSERT_TRUE(write_file(file, ""));
  fs::resize_file(file, (64u << 20) + 5);
  S3 s3(Server::of(spec(server.url())), nullptr);
  const auto done = s3.upload(file, {"b", "k"});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(bytes, (64u << 20) + 5);
  EXPECT_EQ(server.heard().size(), 7u);  // start, five parts, end
  EXPECT_TRUE(server.heard().back().body.find("<PartNumber>5</PartNumber>") != std::string::npos);
}

TEST_F(CallsTest, AServerThatMovedIsFoundByItsNewAddress) {
  Imposter moved([](const Heard&) { return Say{200, "content"}; });
  auto old = spec("http://127.0.0.1:9");
  S3 s3(Server::of(old), nullptr);
  ASSERT_TRUE(write_file(fs::path(old.folder) / "server_url", moved.url() + "\n"));
  ASSERT_TRUE(s3.download({"b", "k"}, old.folder + "/file"));
  EXPECT_EQ(*read_file(old.folder + "/file"), "content");
  Reporter reports(old);
  reports.say({});
  reports.finish();
  EXPECT_EQ(moved.heard().size(), 2u);
}

}  // namespace
}  // namespace sagelet::runner
