#include "server/services/s3/fixture_for_tests.hpp"

namespace sagelet::s3 {
namespace {

class PostForm : public S3Test {
 protected:
  Reply<FormRequest> request_of(std::initializer_list<std::pair<std::string, std::string>> fields,
                                std::string filename = "f.txt") {
    Form form{.bucket = "bucket", .filename = std::move(filename), .fields = {}};
    for (const auto& [name, value] : fields) form.fields.add(name, value);
    auto surroundings = context();
    return s3_.service->request_of(surroundings, form);
  }

  http::Response answer_of(std::initializer_list<std::pair<std::string, std::string>> fields) {
    auto request = request_of(fields);
    EXPECT_TRUE(request);
    http::Response put;
    put.headers.add("ETag", "\"abc\"");
    return request->answer(std::move(put));
  }
};

TEST_P(PostForm, BecomesThePutThatItStandsFor) {
  const auto request = request_of(
      {{"Key", "a b/${filename}"},
       {"aCl", "private"},
       {"content-type", "text/plain"},
       {"x-amz-meta-a", "1"},
       {"x-amz-storage-class", "GLACIER"},
       {"tagging", "<Tagging><TagSet><Tag><Key>a&amp;b</Key><Value>c d</Value></Tag></TagSet></Tagging>"}},
      "C:\\dir\\f.txt");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->head.method, "PUT");
  EXPECT_EQ(request->head.target, "/bucket/a%20b/f.txt");
  EXPECT_EQ(request->head.headers.get("x-amz-acl"), "private");
  EXPECT_EQ(request->head.headers.get("Content-Type"), "text/plain");
  EXPECT_EQ(request->head.headers.get("x-amz-meta-a"), "1");
  EXPECT_EQ(request->head.headers.get("x-amz-storage-class"), "GLACIER");
  EXPECT_EQ(request->head.headers.get("x-amz-tagging"), "a%26b=c%20d");
}

TEST_P(PostForm, TakesNoHeadersThatWouldMakeItAnotherRequest) {
  const auto request = request_of({{"key", "k"},
                                   {"x-amz-copy-source", "/other/secret"},
                                   {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"},
                                   {"x-amz-decoded-content-length", "1"},
                                   {"authorization", "x"},
                                   {"host", "x"}});
  ASSERT_TRUE(request);
  ASSERT_EQ(request->head.headers.size(), 1u);  // that the length is not known
  EXPECT_EQ(request->head.headers.get("transfer-encoding"), "chunked");
  EXPECT_EQ(request_of({{"key", "k"}, {"x-amz-meta-a", "b\r\nc: d"}}).error().code, "InvalidArgument");
  EXPECT_EQ(request_of({{"key", "k"}, {"x-amz-meta-a\nb", "c"}}).error().code, "InvalidArgument");
}

TEST_P(PostForm, JudgesThePolicyByTheFirstFieldOfAName) {
  const std::string policy = to_base64(
      R"({"expiration":"2100-01-01T00:00:00Z","conditions":[{"bucket":"bucket"},{"key":"good"},{"x-amz-meta-a":"good"}]})");
  const auto request = request_of({{"policy", policy},
                                   {"bucket", "elsewhere"},
                                   {"key", "good"},
                                   {"KEY", "bad"},
                                   {"x-amz-meta-a", "good"},
                                   {"X-Amz-Meta-A", "bad"}});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->head.target, "/bucket/good");
  EXPECT_EQ(request->head.headers.joined("x-amz-meta-a"), "good");
}

TEST_P(PostForm, NeedsAKey) {
  EXPECT_EQ(request_of({{"acl", "private"}}).error().code, "InvalidArgument");
  EXPECT_EQ(request_of({{"key", "${filename}"}}, "").error().code, "InvalidArgument");
  EXPECT_EQ(request_of({{"key", std::string(1025, 'k')}}).error().code, "KeyTooLongError");
}

TEST_P(PostForm, AnswersAsItsFieldsAsk) {
  EXPECT_EQ(answer_of({{"key", "k"}}).status, 204);
  EXPECT_EQ(answer_of({{"key", "k"}, {"success_action_status", "200"}}).status, 200);
  EXPECT_EQ(answer_of({{"key", "k"}, {"success_action_status", "404"}}).status, 204);
  const auto created = answer_of({{"key", "a<b"}, {"success_action_status", "201"}});
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(
      bytes_of(created.body),
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>http://127.0.0.1:4577/bucket/a%3Cb"
      "</Location><Bucket>bucket</Bucket><Key>a&lt;b</Key><ETag>\"abc\"</ETag></PostResponse>");
}

TEST_P(PostForm, RedirectsWithWhatWasMade) {
  const auto gone = answer_of({{"key", "a b"}, {"success_action_redirect", "http://here/?x=1"}});
  EXPECT_EQ(gone.status, 303);
  EXPECT_EQ(gone.headers.get("Location"), "http://here/?x=1&bucket=bucket&key=a%20b&etag=%22abc%22");
  for (const auto* unusable : {"javascript:alert(1)", "http://a\r\nSet-Cookie: b", "here"})
    EXPECT_EQ(answer_of({{"key", "k"}, {"success_action_redirect", unusable}}).status, 204) << unusable;
}

INSTANTIATE_TEST_SUITE_P(AnyDurability, PostForm, testing::Values(storage::Durability::kProcess));

}  // namespace
}  // namespace sagelet::s3
