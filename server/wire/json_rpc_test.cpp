#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/wire/json_writer.hpp"
#include "server/wire/protocol.hpp"

namespace sagelet::wire {
namespace {

const model::ServiceModel& sagemaker() {
  return *model::find_service("sagemaker");
}
const Protocol& json_rpc() {
  return protocol_of(model::ProtocolKind::kJson11);
}

std::string body_of(const http::Response& response) {
  const auto* text = std::get_if<std::string>(&response.body);
  return text == nullptr ? "" : *text;
}

http::Response answer(std::string_view operation, Output output) {
  return json_rpc().serialise(sagemaker(), *sagemaker().operation(operation), std::move(output), "ID");
}

TEST(JsonRpc, TheTargetNamesTheOperation) {
  http::Head head{.method = "POST", .target = "/"};
  head.headers.add("x-amz-target", "SageMaker.DescribeTrainingJob");
  const auto match = json_rpc().match(sagemaker(), head, "/", "");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->operation->name, "DescribeTrainingJob");
  EXPECT_EQ(json_rpc().parse(*match, head, "/", R"({"TrainingJobName":"a"})")->at("TrainingJobName"), "a");
}

TEST(JsonRpc, AnUnknownTargetIsAnUnknownOperation) {
  for (const char* target : {"", "SageMaker.Nope", "Other.DescribeTrainingJob", "SageMaker", "."}) {
    http::Head head{.method = "POST", .target = "/"};
    head.headers.add("X-Amz-Target", target);
    const auto match = json_rpc().match(sagemaker(), head, "/", "");
    ASSERT_FALSE(match) << target;
    EXPECT_EQ(match.error().code, "UnknownOperationException");
  }
}

TEST(JsonRpcAnswer, FieldsFollowTheShape) {
  Output output;
  output.fields = {{"TrainingJobName", "a"},
                   {"CreationTime", 1700000000.123},
                   {"NotInTheModel", 1},
                   {"BillableTimeInSeconds", 5},
                   {"EnableNetworkIsolation", false},
                   {"Environment", {{"A", "\"\n\xff"}}},
                   {"TrainingTimeInSeconds", {"wrong"}}};
  const http::Response response = answer("DescribeTrainingJob", std::move(output));
  EXPECT_EQ(response.headers.get("Content-Type"), "application/x-amz-json-1.1");
  EXPECT_EQ(response.headers.get("x-amzn-RequestId"), "ID");
  const Document body = Document::parse(body_of(response));
  EXPECT_EQ(body, Document({{"TrainingJobName", "a"},
                            {"CreationTime", 1700000000.123},
                            {"BillableTimeInSeconds", 5},
                            {"EnableNetworkIsolation", false},
                            {"Environment", {{"A", "\"\n\xEF\xBF\xBD"}}}}));
}

TEST(JsonRpcAnswer, ReadyTextIsSentAsItIs) {
  Output output;
  output.ready = "{\"kept\":  1}";
  EXPECT_EQ(body_of(answer("DescribeTrainingJob", std::move(output))), "{\"kept\":  1}");
}

TEST(JsonRpcAnswer, RowsBecomeAList) {
  Output output;
  output.rows = [](model::Writer& writer) {
    writer.member("TrainingJobSummaries");
    writer.begin_list();
    for (const char* name : {"a", "b"}) {
      writer.begin_structure();
      writer.member("TrainingJobName");
      writer.text(name);
      writer.member("CreationTime");
      writer.time(from_millis(1700000000123));
      writer.end_structure();
    }
    writer.end_list();
    writer.member("NextToken");
    writer.text("t");
  };
  EXPECT_EQ(body_of(answer("ListTrainingJobs", std::move(output))),
            R"({"TrainingJobSummaries":[{"TrainingJobName":"a","CreationTime":1700000000.123},)"
            R"({"TrainingJobName":"b","CreationTime":1700000000.123}],"NextToken":"t"})");
}

TEST(JsonRpcAnswer, AnOperationWithoutOutputHasAnEmptyBody) {
  EXPECT_EQ(body_of(answer("DeleteEndpoint", {})), "");
}

TEST(JsonRpcError, BothSpellingsOfTheMessageAndTheTypeAreThere) {
  const auto error = api::Error::make("ValidationException", "Requested resource not found.");
  const http::Response response = json_rpc().serialise_error(sagemaker(), nullptr, error, "ID", false);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(
      body_of(response),
      R"({"__type":"ValidationException","message":"Requested resource not found.","Message":"Requested resource not found."})");
  EXPECT_EQ(json_rpc().serialise_error(sagemaker(), nullptr, api::Error::internal(), "ID", false).status,
            500);
}

TEST(JsonRpcError, MembersAreFurtherKeys) {
  const auto& logs = *model::find_service("logs");
  auto error = api::Error::make("InvalidSequenceTokenException", "no");
  error.members = {{"expectedSequenceToken", "7"}};
  EXPECT_THAT(body_of(json_rpc().serialise_error(logs, logs.operation("PutLogEvents"), error, "ID", false)),
              testing::HasSubstr(R"("expectedSequenceToken":"7")"));
}

TEST(JsonText, EscapesWhatJsonCannotHold) {
  std::string out;
  append_json_string(out, std::string_view("\x01\"\\/\t\xC3\xA4\xED\xA0\x80\0", 11));
  EXPECT_EQ(out, "\"\\u0001\\\"\\\\/\\t\xC3\xA4\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\\u0000\"");
}

}  // namespace
}  // namespace sagelet::wire
