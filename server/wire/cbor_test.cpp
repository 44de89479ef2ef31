#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "server/wire/cbor_reader.hpp"
#include "server/wire/cbor_writer.hpp"
#include "server/wire/document_writer.hpp"
#include "server/wire/protocol.hpp"

namespace sagelet::wire {
namespace {

const model::ServiceModel& cloudwatch() {
  return *model::find_service("cloudwatch");
}
const model::Shape& input_of(std::string_view operation) {
  return *cloudwatch().operation(operation)->input;
}

std::string bytes_of(const Document& value) {
  const auto bytes = Document::to_cbor(value);
  return {bytes.begin(), bytes.end()};
}

TEST(Cbor, ReadsWhatAnotherWriterWrote) {
  const Document params{{"Namespace", "n"},
                        {"MetricData", {{{"MetricName", "m"}, {"Value", -2.5}, {"StorageResolution", 300}}}},
                        {"Unknown", {{"deep", {1, 2}}}}};
  const auto read = read_cbor(input_of("PutMetricData"), bytes_of(params));
  ASSERT_TRUE(read);
  EXPECT_EQ((*read)["MetricData"], params["MetricData"]);
  EXPECT_FALSE(read->contains("Unknown"));
}

TEST(Cbor, TakesTaggedTimesAndIndefiniteLengths) {
  using namespace std::string_literals;
  const std::string body = "\xbf\x69"s + "StartTime" + "\xc1\x1a\x65\x53\xf1\x00"s + "\x69" + "Namespace" +
                           "\x7f\x61" + "a" + "\x61" + "b" + "\xff\xff";
  const auto read = read_cbor(input_of("GetMetricStatistics"), body);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ((*read)["StartTime"], 1700000000.0);
  EXPECT_EQ((*read)["Namespace"], "ab");
}

TEST(Cbor, RefusesWhatIsCutOffOrTooDeepOrOfAnotherType) {
  const auto& shape = input_of("PutMetricData");
  const std::string whole = bytes_of({{"Namespace", "name"}});
  for (std::size_t size = 1; size < whole.size(); ++size)
    EXPECT_FALSE(read_cbor(shape, std::string_view(whole).substr(0, size))) << size;
  EXPECT_FALSE(read_cbor(shape, whole + "x"));
  EXPECT_FALSE(read_cbor(shape, std::string(1'000'000, '\x81')));
  EXPECT_FALSE(read_cbor(shape, std::string(1'000'000, '\xc1')));
  EXPECT_FALSE(read_cbor(shape, "\xbb\xff\xff\xff\xff\xff\xff\xff\xff"));
  const auto wrong = read_cbor(shape, bytes_of({{"Namespace", 7}}));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, "SerializationException");
}

TEST(Cbor, WritesAnAnswerThatReadsBack) {
  const auto& shape = *cloudwatch().operation("GetMetricStatistics")->output;
  const Document answer{{"Label", "loss"},
                        {"Datapoints", {{{"Timestamp", 1700000000.5}, {"Average", 3}, {"Unit", "None"}}}}};
  std::string out;
  CborWriter writer(out, &shape);
  write_members(writer, shape, answer);
  writer.finish();
  const auto read = read_cbor(shape, out);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, answer);
}

TEST(Cbor, AServiceOfCborIsSpokenToInThreeWays) {
  http::Head head;
  EXPECT_EQ(&protocol_of(cloudwatch(), head), &protocol_of(model::ProtocolKind::kQuery));
  head.headers.add("X-Amz-Target", "GraniteServiceVersion20100801.ListMetrics");
  EXPECT_EQ(&protocol_of(cloudwatch(), head), &protocol_of(model::ProtocolKind::kJson10));
  head.headers.add("Smithy-Protocol", "rpc-v2-cbor");
  const auto& cbor = protocol_of(cloudwatch(), head);
  const auto match =
      cbor.match(cloudwatch(), head, "/service/GraniteServiceVersion20100801/operation/ListMetrics", "");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->operation->name, "ListMetrics");
  EXPECT_FALSE(cbor.match(cloudwatch(), head, "/service/Other/operation/ListMetrics", ""));
}

}  // namespace
}  // namespace sagelet::wire
