// A form on its way: it becomes the request that it stands for where its file begins.
#include "base/testing.hpp"
#include "gtest/gtest.h"
#include "server/gateway/gateway.hpp"

namespace sagelet::gateway {
namespace {

using http::Response;

struct Seen {
  std::string file, target;
  bool anonymous = true;
};

class FakeSink final : public http::BodySink {
 public:
  explicit FakeSink(Seen& seen) : seen_(seen) {}
  Status write(std::string_view bytes) override {
    seen_.file += bytes;
    return {};
  }

 private:
  Seen& seen_;
};

/// S3 with PutObject, which forms of any fields stand for.
class FakeS3 final : public TableService {
 public:
  FakeS3() : TableService(*model::find_service("s3")) {
    on("PutObject", [this](Context& context, Input in) -> Reply<Output> {
      seen.target = context.head->target;
      seen.anonymous = context.identity.anonymous();
      if (!in.sink) return api::Error::make("NoSink", "no sink", 500);
      return Output();
    });
  }
  Reply<std::unique_ptr<http::BodySink>> sink(Context&, const model::Operation&, const Document&,
                                              std::optional<std::uint64_t>) override {
    return std::make_unique<FakeSink>(seen);
  }
  Reply<FormRequest> request_of(Context& context, const Form& form) override {
    if (form.fields.has("refuse")) return api::Error::make("AccessDenied", "by policy", 403);
    FormRequest request;
    request.head = {.method = "PUT", .target = "/" + form.bucket + "/" + form.filename};
    request.head.headers = context.head->headers;
    request.answer = [](Response put) {
      put.status = 204;
      return put;
    };
    return request;
  }
  Seen seen;
};

class FormTest : public testing::Test {
 protected:
  FormTest() { gateway_.add(&s3_); }

  static std::string part(std::string_view disposition, std::string_view content) {
    return "--xx\r\nContent-Disposition: form-data; " + std::string(disposition) + "\r\n\r\n" +
           std::string(content) + "\r\n";
  }

  static std::string form(std::string_view more = "") {
    return part("name=\"AWSAccessKeyId\"", "123456789012") + part("name=\"policy\"", "e30=") +
           part("name=\"signature\"", "0RavWzkygo6QX9caELEqKi9kDbU=") + std::string(more) +
           part("name=\"file\"; filename=\"f\"", "bytes of\r\nthe file") + "--xx--\r\n";
  }

  Response post(std::string_view body, std::size_t piece = 7, std::string target = "/bucket",
                std::string host = "127.0.0.1:4577") {
    http::Head head{.method = "POST", .target = std::move(target)};
    head.headers.add("Host", std::move(host));
    head.headers.add("Content-Type", "multipart/form-data; boundary=xx");
    auto exchange = gateway_.exchange();
    if (auto early = exchange->begin(std::move(head))) return *early;
    for (; !body.empty(); body.remove_prefix(std::min(piece, body.size())))
      if (auto early = exchange->body(body.substr(0, piece))) return *early;
    (void)exchange->waits();
    Response answer;
    exchange->finish([&](Response response) { answer = std::move(response); });
    return answer;
  }

  static std::string text(const Response& response) {
    const auto* bytes = std::get_if<std::string>(&response.body);
    return bytes ? *bytes : std::string();
  }

  ManualClock clock_;
  RandomIds ids_;
  auth::Authenticator authenticator_{auth::Options{}, {}, clock_};
  Gateway gateway_{Options{}, authenticator_, admin::Admin{}, clock_, ids_};
  FakeS3 s3_;
};

TEST_F(FormTest, FeedsItsFileToTheRequestThatItStandsFor) {
  EXPECT_EQ(post(form()).status, 204);
  EXPECT_EQ(s3_.seen.file, "bytes of\r\nthe file");
  EXPECT_EQ(s3_.seen.target, "/bucket/f");
  EXPECT_FALSE(s3_.seen.anonymous);
}

TEST_F(FormTest, NamesItsBucketInTheHostAsWell) {
  EXPECT_EQ(post(form(), 1000, "/", "bucket.localhost:4577").status, 204);
  EXPECT_EQ(s3_.seen.target, "/bucket/f");
}

TEST_F(FormTest, IsRefusedBeforeItsFileIsRead) {
  const auto refused = post(form(part("name=\"refuse\"", "1")));
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(text(refused).find("<Message>by policy</Message>"), std::string::npos) << text(refused);
  EXPECT_EQ(s3_.seen.file, "");
}

TEST_F(FormTest, IsRefusedWithoutAGoodSignature) {
  auto body = form();
  body.replace(body.find("0RavW"), 5, "short");
  body.erase(body.find("short"), 3);
  EXPECT_EQ(post(body).status, 403);
  EXPECT_EQ(s3_.seen.file, "");
}

TEST_F(FormTest, IsAnonymousWithoutASignatureAndAPolicy) {
  EXPECT_EQ(post(part("name=\"file\"; filename=\"f\"", "x") + "--xx--").status, 204);
  EXPECT_EQ(s3_.seen.file, "x");
  EXPECT_TRUE(s3_.seen.anonymous);
}

TEST_F(FormTest, MustBeWholeAndHaveAFile) {
  EXPECT_NE(text(post(form().substr(0, 300))).find("MalformedPOSTRequest"), std::string::npos);
  EXPECT_NE(text(post(part("name=\"key\"", "x") + "--xx--")).find("IncorrectNumberOfFilesInPostRequest"),
            std::string::npos);
  EXPECT_NE(text(post(part("name=\"key\"", std::string(30'000, 'x')))).find("MaxPostPreDataLengthExceeded"),
            std::string::npos);
}

TEST_F(FormTest, IsOneOnlyAtABucket) {
  EXPECT_NE(post(form(), 1000, "/bucket/key").status, 204);
  EXPECT_NE(post(form(), 1000, "/bucket?delete").status, 204);
  EXPECT_NE(post(form(), 1000, "/").status, 204);
}

}  // namespace
}  // namespace sagelet::gateway
