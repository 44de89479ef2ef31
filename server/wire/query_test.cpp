#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/wire/protocol.hpp"

namespace sagelet::wire {
namespace {

const Protocol& query() {
  return protocol_of(model::ProtocolKind::kQuery);
}

std::string body_of(const http::Response& response) {
  return std::get<std::string>(response.body);
}

Reply<Document> parse(std::string_view service, std::string body) {
  const http::Head head{.method = "POST", .target = "/"};
  TRY(const Match match, query().match(*model::find_service(service), head, "/", body));
  return query().parse(match, head, "/", body);
}

TEST(Query, ListsAndStructuresAreSpelledByDots) {
  const auto read = parse(
      "iam",
      "Action=SimulatePrincipalPolicy&Version=2010-05-08&PolicySourceArn=arn%3Aaws%3Aiam&ActionNames.member."
      "2=b&"
      "ActionNames.member.1=a+c&ContextEntries.member.1.ContextKeyName=k&MaxItems=5&ActionNames.member.10=z");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, Document::parse(R"({"PolicySourceArn":"arn:aws:iam","ActionNames":["a c","b","z"],
    "ContextEntries":[{"ContextKeyName":"k"}],"MaxItems":5})"));
}

TEST(Query, AnEmptyListIsAnEmptyValue) {
  EXPECT_EQ(*parse("iam", "Action=SimulatePrincipalPolicy&ActionNames="),
            Document::parse(R"({"ActionNames":[]})"));
}

TEST(Query, WrongValuesAndUnknownActionsAreRefused) {
  EXPECT_EQ(parse("iam", "Action=ListRoles&MaxItems=many").error().code, "MalformedInput");
  EXPECT_EQ(parse("iam", "Action=GetRole&RoleName=%FF").error().code, "MalformedInput");
  EXPECT_EQ(parse("iam", "Action=Nope&Version=2010-05-08").error().code, "InvalidAction");
  EXPECT_EQ(parse("sts", "Action=GetCallerIdentity&Version=1999-01-01").error().code, "InvalidAction");
  EXPECT_EQ(parse("sts", "").error().code, "MissingAction");
}

TEST(Query, AnActionInTheUrlCounts) {
  const http::Head head{.method = "GET", .target = "/?Action=GetCallerIdentity&Version=2011-06-15"};
  const auto match = query().match(*model::find_service("sts"), head, head.target, "");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->operation->name, "GetCallerIdentity");
}

TEST(QueryAnswer, HasResponseResultAndMetadata) {
  const auto& sts = *model::find_service("sts");
  Output output;
  output.fields = {{"Account", "000000000000"}, {"Arn", "a"}, {"UserId", "u"}};
  const http::Response response =
      query().serialise(sts, *sts.operation("GetCallerIdentity"), std::move(output), "ID");
  EXPECT_EQ(response.headers.get("Content-Type"), "text/xml");
  EXPECT_EQ(body_of(response),
            "<GetCallerIdentityResponse "
            "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
            "<UserId>u</UserId><Account>000000000000</Account><Arn>a</Arn></GetCallerIdentityResult>"
            "<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></GetCallerIdentityResponse>");
}

TEST(QueryError, SaysWhoseFaultItIsAndTakesTheModelsStatus) {
  const auto& iam = *model::find_service("iam");
  const auto error = api::Error::make("NoSuchEntity", "The role with name x cannot be found.");
  const http::Response response = query().serialise_error(iam, iam.operation("GetRole"), error, "ID", false);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(body_of(response),
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>"
            "<Code>NoSuchEntity</Code><Message>The role with name x cannot be found.</Message></Error>"
            "<RequestId>ID</RequestId></ErrorResponse>");
  EXPECT_THAT(body_of(query().serialise_error(iam, nullptr, api::Error::internal(), "ID", false)),
              testing::HasSubstr("<Type>Receiver</Type>"));
}

}  // namespace
}  // namespace sagelet::wire
