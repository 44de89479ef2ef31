#include <gtest/gtest.h>
#include <unistd.h>

#include "server/auth/signature.hpp"
#include "server/auth/testing.hpp"

namespace sagelet::auth {
namespace {

struct Guard {
  Options options;
  ManualClock clock;
  bool allows(std::string host) const {
    return Authenticator(options, {}, clock).host_allowed(head_of("GET", "/", {{"Host", std::move(host)}}));
  }
  bool foreign(std::string origin) const {
    return Authenticator(options, {}, clock)
        .origin_foreign(head_of("GET", "/", {{"Host", "127.0.0.1"}, {"Origin", std::move(origin)}}));
  }
};

TEST(HostGuard, KnowsOurNamesWithAndWithoutPort) {
  const Guard guard;
  for (const auto* host : {"127.0.0.1", "127.0.0.1:4577", "127.8.9.10", "localhost", "LocalHost:80",
                           "localhost.", "[::1]", "[::1]:4577", "bucket.localhost:4577", "a.b.s3.localhost",
                           "host.docker.internal:4577", "bucket.host.docker.internal"})
    EXPECT_TRUE(guard.allows(host)) << host;
  char name[256] = "";
  ASSERT_EQ(::gethostname(name, sizeof name - 1), 0);
  EXPECT_TRUE(guard.allows(std::string(name) + ":4577"));
}

TEST(HostGuard, KnowsAwsNames) {
  const Guard guard;
  for (const auto* host : {"sts.us-east-1.amazonaws.com", "bucket.s3.us-east-1.amazonaws.com",
                           "s3.amazonaws.com:443", "sagemaker.cn-north-1.amazonaws.com.cn"})
    EXPECT_TRUE(guard.allows(host)) << host;
}

TEST(HostGuard, RefusesWhatSomebodyElseMayOwn) {
  const Guard guard;
  for (const auto* host : {"",
                           "evil.example",
                           "evil.example:4577",
                           "localhost.evil.example",
                           "notlocalhost",
                           "127.0.0.1.evil.example",
                           "xamazonaws.com",
                           "amazonaws.com.evil.example",
                           "10.0.0.1",
                           "0.0.0.0",
                           "[::]",
                           "[::2]",
                           "192.168.1.5:4577",
                           "127.0.0.1:port",
                           "127.0.0.1:0",
                           "[::1",
                           "localhost:99999",
                           "2130706433",
                           "127.1",
                           "user@localhost"})
    EXPECT_FALSE(guard.allows(host)) << host;
}

TEST(HostGuard, WantsExactlyOneHost) {
  const Guard guard;
  const Authenticator authenticator(guard.options, {}, guard.clock);
  EXPECT_FALSE(authenticator.host_allowed(head_of("GET", "/", {})));
  EXPECT_FALSE(
      authenticator.host_allowed(head_of("GET", "/", {{"Host", "localhost"}, {"Host", "evil.example"}})));
}

TEST(HostGuard, KnowsTheListeningHost) {
  Guard guard;
  guard.options.host = "10.1.2.3";
  EXPECT_TRUE(guard.allows("10.1.2.3:4577"));
  EXPECT_FALSE(guard.allows("10.1.2.4:4577"));
  EXPECT_FALSE(guard.allows("x.10.1.2.3"));
  guard.options.host = "Box.corp";
  EXPECT_TRUE(guard.allows("box.corp"));
  EXPECT_TRUE(guard.allows("bucket.box.corp:4577"));
  EXPECT_FALSE(guard.allows("mybox.corp"));
  guard.options.host = "0.0.0.0";
  EXPECT_TRUE(guard.allows("192.168.1.5:4577")) << "an address cannot be rebound";
  EXPECT_TRUE(guard.allows("[fe80::1]:4577"));
  EXPECT_FALSE(guard.allows("evil.example"));
}

TEST(HostGuard, KnowsAllowedHosts) {
  Guard guard;
  guard.options.allowed_hosts = {"ml.corp", "*.Tools.corp"};
  EXPECT_TRUE(guard.allows("ML.corp:4577"));
  EXPECT_FALSE(guard.allows("x.ml.corp"));
  EXPECT_TRUE(guard.allows("tools.corp"));
  EXPECT_TRUE(guard.allows("a.b.tools.corp"));
  EXPECT_FALSE(guard.allows("eviltools.corp"));
}

TEST(OriginGuard, TellsOurPagesFromOthers) {
  const Guard guard;
  const Authenticator authenticator(guard.options, {}, guard.clock);
  EXPECT_FALSE(authenticator.origin_foreign(head_of("GET", "/", {{"Host", "127.0.0.1"}})))
      << "no page at all";
  for (const auto* origin : {"http://127.0.0.1:4577", "http://localhost:8888", "https://[::1]:4577"})
    EXPECT_FALSE(guard.foreign(origin)) << origin;
  for (const auto* origin : {"http://evil.example", "https://evil.example:4577", "null", "", "file://",
                             "http://", "http://localhost.evil.example", "https://page.s3.amazonaws.com",
                             "chrome-extension://localhost", "localhost"})
    EXPECT_TRUE(guard.foreign(origin)) << origin;
}

TEST(BucketInHost, FindsTheBucketOfVirtualHostStyle) {
  EXPECT_EQ(bucket_in_host("bucket.localhost:4577", ""), "bucket");
  EXPECT_EQ(bucket_in_host("my.bucket.s3.localhost", ""), "my.bucket");
  EXPECT_EQ(bucket_in_host("bucket.s3.us-east-1.amazonaws.com", ""), "bucket");
  EXPECT_EQ(bucket_in_host("a.s3.b.s3.amazonaws.com", ""), "a.s3.b");
  EXPECT_EQ(bucket_in_host("bucket.s3-us-west-2.amazonaws.com", ""), "bucket");
  EXPECT_EQ(bucket_in_host("bucket.box.corp", "box.corp"), "bucket");
  for (const auto* host : {"localhost:4577", "s3.localhost", "127.0.0.1:4577", "s3.amazonaws.com", "",
                           "evil.example", "s3.us-east-1.amazonaws.com"})
    EXPECT_EQ(bucket_in_host(host, "127.0.0.1"), "") << host;
}

}  // namespace
}  // namespace sagelet::auth
