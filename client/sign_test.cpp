#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/sigv4.hpp"
#include "base/time_text.hpp"
#include "client/http.hpp"
#include "fmt/format.h"

namespace sagelet::client {
namespace {

const Credentials kCredentials{"AKID", "secret", "", "eu-west-1"};

std::string value_of(const Request& request, std::string_view name) {
  for (const auto& [header, value] : request.headers)
    if (header == name) return value;
  return {};
}

/// The Authorization header for a canonical request that was written down by hand.
std::string authorization(const Request& request, std::string_view service, std::string_view names,
                          const std::string& canonical) {
  const std::string date = value_of(request, "X-Amz-Date");
  const sigv4::Scope scope{date.substr(0, 8), "eu-west-1", std::string(service)};
  return fmt::format(
      "AWS4-HMAC-SHA256 Credential=AKID/{}, SignedHeaders={}, Signature={}", scope.str(), names,
      sigv4::signature(sigv4::signing_key("secret", scope), sigv4::string_to_sign(date, scope, canonical)));
}

TEST(Sign, CoversHostDateAndBody) {
  Request request{
      .method = "POST", .url = "http://127.0.0.1:4577/", .headers = {{"X-Amz-Target", "T.Op"}}, .body = "{}"};
  sign(request, kCredentials, "logs");
  const std::string date = value_of(request, "X-Amz-Date"),
                    hash = to_hex(Digest::of(DigestKind::kSha256, "{}"));
  const auto when = parse_amz_date(date);
  ASSERT_TRUE(when) << date;
  EXPECT_LT(SystemClock().now() - *when, std::chrono::minutes(1));
  EXPECT_EQ(value_of(request, "x-amz-content-sha256"), hash);
  EXPECT_EQ(value_of(request, "X-Amz-Security-Token"), "");
  EXPECT_EQ(
      value_of(request, "Authorization"),
      authorization(request, "logs", "host;x-amz-content-sha256;x-amz-date;x-amz-target",
                    fmt::format("POST\n/\n\nhost:127.0.0.1:4577\nx-amz-content-sha256:{0}\nx-amz-date:{1}\n"
                                "x-amz-target:T.Op\n\nhost;x-amz-content-sha256;x-amz-date;x-amz-target\n{0}",
                                hash, date)));
}

TEST(Sign, TakesS3PathsAndQueriesAsTheyAreAndAGivenHash) {
  Request request{.method = "PUT", .url = "https://h:443/b/a%20b//../c?uploadId=x&partNumber=2"};
  Credentials session = kCredentials;
  session.session_token = "token";
  sign(request, session, "s3", "UNSIGNED-PAYLOAD");
  const std::string names = "host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
  EXPECT_EQ(value_of(request, "Authorization"),
            authorization(request, "s3", names,
                          fmt::format("PUT\n/b/a%20b//../c\npartNumber=2&uploadId=x\nhost:h\n"
                                      "x-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:{}\n"
                                      "x-amz-security-token:token\n\n{}\nUNSIGNED-PAYLOAD",
                                      value_of(request, "X-Amz-Date"), names)));
}

}  // namespace
}  // namespace sagelet::client
