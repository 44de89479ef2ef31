#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/wire/protocol.hpp"

namespace sagelet::wire {
namespace {

using testing::HasSubstr;

const model::ServiceModel& s3() {
  return *model::find_service("s3");
}
const Protocol& rest_xml() {
  return protocol_of(model::ProtocolKind::kRestXml);
}

struct Request {
  std::string method = "GET", target, body;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

Reply<Document> parse(Request request) {
  http::Head head{.method = request.method, .target = request.target};
  for (auto& [name, value] : request.headers) head.headers.add(name, value);
  TRY(const Match match, rest_xml().match(s3(), head, head.target, request.body));
  return rest_xml().parse(match, head, head.target, request.body);
}

std::string body_of(const http::Response& response) {
  const auto* text = std::get_if<std::string>(&response.body);
  return text == nullptr ? "" : *text;
}

http::Response answer(std::string_view operation, Output output) {
  return rest_xml().serialise(s3(), *s3().operation(operation), std::move(output), "ID");
}

TEST(RestXmlRequest, MembersComeFromPathQueryHeadersAndBody) {
  const auto read = parse({"PUT",
                           "/b/k%20k?tagging&versionId=v",
                           "<Tagging><TagSet><Tag><Key>a</Key><Value/></Tag></TagSet></Tagging>",
                           {{"X-Amz-Expected-Bucket-Owner", "000000000000"}}});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read,
            Document::parse(R"({"Bucket":"b","Key":"k k","VersionId":"v","ExpectedBucketOwner":"000000000000",
    "Tagging":{"TagSet":[{"Key":"a","Value":""}]}})"));
}

TEST(RestXmlRequest, UserMetadataIsLoweredAndRepeatedHeadersJoin) {
  const auto read =
      parse({"PUT",
             "/b/k",
             "ignored",
             {{"X-Amz-Meta-Colour", "Red"}, {"x-amz-meta-colour", "blue"}, {"Content-Type", "a/b"}}});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->at("Metadata"), Document({{"colour", "Red,blue"}}));
  EXPECT_EQ(read->at("ContentType"), "a/b");
  EXPECT_FALSE(read->contains("Body"));
}

TEST(RestXmlRequest, AValueOfTheWrongTypeIsAnInvalidArgument) {
  const auto read = parse({"GET", "/b?list-type=2&max-keys=blah"});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, "InvalidArgument");
  EXPECT_EQ(read.error().status, 400);
}

TEST(RestXmlRequest, AnUnreadableHttpDateCountsAsAbsent) {
  const auto read =
      parse({"GET",
             "/b/k",
             "",
             {{"If-Modified-Since", "yesterday"}, {"If-Unmodified-Since", "Tue, 24 Nov 2026 12:00:00 GMT"}}});
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->contains("IfModifiedSince"));
  EXPECT_EQ(read->at("IfUnmodifiedSince"), 1795521600.0);
}

TEST(RestXmlRequest, BrokenXmlIsMalformed) {
  const std::string deep = [] {
    std::string text;
    for (int i = 0; i < 50000; ++i) text += "<a>";
    return text;
  }();
  for (const std::string& body :
       {std::string("<Delete>"), std::string("no xml"), std::string("<a/><b/>"), deep,
        std::string("<!DOCTYPE x [<!ENTITY e \"v\">]><Delete><Object><Key>&e;</Key></Object></Delete>"),
        std::string("<Delete><Quiet>perhaps</Quiet></Delete>")}) {
    const auto read = parse({"POST", "/b?delete", body});
    ASSERT_FALSE(read) << body.substr(0, 40);
    EXPECT_EQ(read.error().code, "MalformedXML");
    EXPECT_EQ(read.error().status, 400);
  }
}

TEST(RestXmlRequest, TextKeepsItsBlanksReferencesAndSections) {
  const auto read = parse({"POST", "/b?delete",
                           "<d:Delete xmlns:d='urn:x'><Object><Key> a&amp;b<!-- c "
                           "--><![CDATA[<c>]]>&#13;</Key></Object><Object><Key> </Key></Object></d:Delete>"});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->at("Delete"), Document::parse(R"({"Objects":[{"Key":" a&b<c>\r"},{"Key":" "}]})"));
}

TEST(RestXmlAnswer, AListHasItsRootNamespaceAndDates) {
  Output output;
  output.fields = {
      {"Name", "b"},
      {"Prefix", ""},
      {"IsTruncated", false},
      {"KeyCount", 1},
      {"Contents",
       {{{"Key", "a<b>&\"\r"}, {"Size", 5}, {"LastModified", 1795521600.25}, {"ETag", "\"e\""}}}}};
  const http::Response response = answer("ListObjectsV2", std::move(output));
  EXPECT_EQ(response.headers.get("Content-Type"), "application/xml");
  EXPECT_EQ(response.headers.get("x-amz-request-id"), "ID");
  EXPECT_EQ(
      body_of(response),
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsTruncated>false</IsTruncated>"
      "<Contents><Key>a&lt;b&gt;&amp;&quot;&#xD;</Key><LastModified>2026-11-24T12:00:00.250Z</LastModified>"
      "<ETag>&quot;e&quot;</ETag><Size>5</Size></Contents><Name>b</Name><Prefix></Prefix>"
      "<KeyCount>1</KeyCount></ListBucketResult>");
}

TEST(RestXmlAnswer, RowsWriteTheSameBytesAsTheDocument) {
  Output fields;
  fields.fields = {{"Name", "b"},
                   {"CommonPrefixes", {{{"Prefix", "p/"}}}},
                   {"Contents",
                    {{{"Key", "k1"}, {"Size", 1}, {"LastModified", 1.5}},
                     {{"Key", "k2"}, {"ChecksumAlgorithm", {"CRC32"}}}}}};
  Output rows;
  rows.rows = [](model::Writer& writer) {
    writer.member("Contents");
    writer.begin_list();
    writer.begin_structure();
    writer.member("Key");
    writer.text("k1");
    writer.member("LastModified");
    writer.time(from_millis(1500));
    writer.member("Size");
    writer.integer(1);
    writer.end_structure();
    writer.begin_structure();
    writer.member("Key");
    writer.text("k2");
    writer.member("ChecksumAlgorithm");
    writer.begin_list();
    writer.text("CRC32");
    writer.end_list();
    writer.end_structure();
    writer.end_list();
    writer.member("Name");
    writer.text("b");
    writer.member("CommonPrefixes");
    writer.begin_list();
    writer.begin_structure();
    writer.member("Prefix");
    writer.text("p/");
    writer.end_structure();
    writer.end_list();
  };
  EXPECT_EQ(body_of(answer("ListObjectsV2", std::move(rows))),
            body_of(answer("ListObjectsV2", std::move(fields))));
}

TEST(RestXmlAnswer, DatesAreRightAtTheEdges) {
  const auto shown = [](double seconds) {
    Output output;
    output.fields = {{"Buckets", {{{"CreationDate", seconds}}}}};
    const std::string body = body_of(answer("ListBuckets", std::move(output)));
    const auto at = body.find("<CreationDate>") + 14;
    return body.substr(at, body.find("</CreationDate>") - at);
  };
  EXPECT_EQ(shown(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(shown(-0.001), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(shown(1709251199.9), "2024-02-29T23:59:59.900Z");
  EXPECT_EQ(shown(1e300), "1970-01-01T00:00:00.000Z");
}

TEST(RestXmlAnswer, ALocationIsTheRootItself) {
  Output output;
  EXPECT_THAT(
      body_of(answer("GetBucketLocation", {})),
      HasSubstr(
          "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></LocationConstraint>"));
  output.fields = {{"LocationConstraint", "eu-west-1"}};
  EXPECT_THAT(body_of(answer("GetBucketLocation", std::move(output))),
              HasSubstr(">eu-west-1</LocationConstraint>"));
}

TEST(RestXmlAnswer, AGranteeHasItsTypeAsAttribute) {
  Output output;
  output.fields =
      Document::parse(R"({"Grants":[{"Grantee":{"ID":"x","Type":"CanonicalUser"},"Permission":"READ"}]})");
  EXPECT_THAT(
      body_of(answer("GetBucketAcl", std::move(output))),
      HasSubstr("<AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                "xsi:type=\"CanonicalUser\"><ID>x</ID></Grantee><Permission>READ</Permission></Grant></"
                "AccessControlList>"));
}

TEST(RestXmlAnswer, HeadersCarryWhatIsBoundThere) {
  Output output;
  output.fields = {{"ContentLength", 5},
                   {"LastModified", 1795521600.25},
                   {"ETag", "\"e\""},
                   {"Metadata", {{"a", "1\r\nX: y"}}},
                   {"DeleteMarker", true}};
  output.payload = std::string("hello");
  output.status = 206;
  const http::Response response = answer("GetObject", std::move(output));
  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(response.headers.get("Last-Modified"), "Tue, 24 Nov 2026 12:00:00 GMT");
  EXPECT_EQ(response.headers.get("x-amz-meta-a"), "1  X: y");
  EXPECT_EQ(response.headers.get("x-amz-delete-marker"), "true");
  EXPECT_EQ(body_of(response), "hello");
}

TEST(RestXmlAnswer, NothingToSayIsNoBody) {
  const http::Response response = answer("DeleteObject", {});
  EXPECT_EQ(response.status, 204);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(response.body));
  EXPECT_FALSE(response.headers.has("Content-Type"));
}

TEST(RestXmlError, HasTheCodeItsMembersAndBothIds) {
  auto error = api::Error::make("NoSuchKey", "The specified key does not exist.", 404);
  error.members = {{"Key", "a&b"}};
  const http::Response response = rest_xml().serialise_error(s3(), nullptr, error, "ID", false);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(body_of(response),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified "
            "key does not "
            "exist.</Message><Key>a&amp;b</Key><RequestId>ID</RequestId><HostId>sagelet/ID</HostId></Error>");
  EXPECT_EQ(body_of(rest_xml().serialise_error(s3(), nullptr, error, "ID", true)), "");
}

TEST(RestXmlError, AnotherMethodIsNotAllowed) {
  const auto read = parse({"PATCH", "/b/k"});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, "MethodNotAllowed");
  EXPECT_EQ(read.error().status, 405);
}

}  // namespace
}  // namespace sagelet::wire
