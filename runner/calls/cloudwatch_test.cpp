#include "runner/calls/cloudwatch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "base/fs.hpp"
#include "runner/calls/imposter.hpp"

namespace sagelet::runner {
namespace {

using Json = nlohmann::json;

class MetricSenderTest : public testing::Test {
 protected:
  JobSpec spec(const std::string& url) {
    JobSpec spec;
    spec.name = "job";
    spec.folder = folder_.path().string();
    spec.server_url = url;
    spec.access_key = "AK", spec.secret_key = "SK", spec.region = "us-east-1";
    EXPECT_TRUE(write_file(folder_.path() / "spec.json", "{}"));
    return spec;
  }

  /// What reached the server, in order.
  static std::vector<Json> data_of(Imposter& server) {
    std::vector<Json> data;
    for (const Heard& heard : server.heard()) {
      const Json body = Json::parse(heard.body);
      data.insert(data.end(), body["MetricData"].begin(), body["MetricData"].end());
    }
    return data;
  }

  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "metrics-");
};

TEST_F(MetricSenderTest, ValuesGoByTheJobAndSamplesByTheHost) {
  Imposter server([](const Heard&) { return Say{}; });
  MetricSender sender(spec(server.url()), [] {
    return std::vector<MetricValue>{{"CPUUtilization", 50, 2000}};
  });
  sender.start();
  sender.add({"loss", 0.25, 1500});
  sender.finish();
  const auto data = data_of(server);
  ASSERT_EQ(data.size(), 2u);
  EXPECT_EQ(data[0], Json::parse(R"({"MetricName": "loss", "Value": 0.25, "Timestamp": 1.5, "Unit": "None",
                                     "Dimensions": [{"Name": "TrainingJobName", "Value": "job"}]})"));
  EXPECT_EQ(data[1], Json::parse(R"({"MetricName": "CPUUtilization", "Value": 50.0, "Timestamp": 2.0,
                                     "Unit": "Percent",
                                     "Dimensions": [{"Name": "Host", "Value": "job/algo-1"}]})"));
  EXPECT_NE(server.heard()[0].head.find("X-Amz-Target: GraniteServiceVersion20100801.PutMetricData"),
            std::string::npos);
}

TEST_F(MetricSenderTest, SamplesOnceAPeriodAndAtTheEnd) {
  Imposter server([](const Heard&) { return Say{}; });
  std::atomic<int> samples = 0;
  MetricSender sender(
      spec(server.url()),
      [&] {
        ++samples;
        return std::vector<MetricValue>{{"m", 1, 1000}};
      },
      std::chrono::milliseconds(5));
  sender.start();
  while (samples < 3) std::this_thread::yield();
  const int before = samples;
  sender.finish();
  EXPECT_GT(samples, before);
  EXPECT_EQ(data_of(server).size(), static_cast<std::size_t>(samples));
}

TEST_F(MetricSenderTest, ACallHoldsAtMostAThousandValues) {
  Imposter server([](const Heard&) { return Say{}; });
  MetricSender sender(spec(server.url()), [] { return std::vector<MetricValue>(); });
  for (int i = 0; i < 2500; ++i) sender.add({"loss", static_cast<double>(i), 1000});
  sender.start();
  sender.finish();
  const auto heard = server.heard();
  EXPECT_EQ(heard.size(), 3u);
  for (const Heard& one : heard) EXPECT_LE(Json::parse(one.body)["MetricData"].size(), 1000u);
  EXPECT_EQ(data_of(server).back()["Value"], 2499.0);
}

}  // namespace
}  // namespace sagelet::runner
