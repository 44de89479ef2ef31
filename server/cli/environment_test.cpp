#include "server/cli/environment.hpp"

#include <stdlib.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::cli {
namespace {

using testing::Contains;
using testing::Key;
using testing::Not;
using testing::Pair;

const Facts kFacts{"http://127.0.0.1:4577", "eu-central-1", "/data/ca.pem", "/data/bundle-1.pem"};

Environment turned(const Environment& old, const Facts& facts = kFacts) {
  return applied(old, point_at(old, facts));
}

TEST(Environment, PointsTheClientsHere) {
  const auto env = turned({{"HOME", "/home/me"}});
  EXPECT_EQ(env.at("HOME"), "/home/me");
  EXPECT_EQ(env.at("SAGELET_URL"), kFacts.url);
  EXPECT_EQ(env.at("AWS_ENDPOINT_URL"), kFacts.url);
  EXPECT_EQ(env.at("AWS_REGION"), "eu-central-1");
  EXPECT_EQ(env.at("AWS_DEFAULT_REGION"), "eu-central-1");
  EXPECT_EQ(env.at("AWS_EC2_METADATA_DISABLED"), "true");
  EXPECT_FALSE(env.at("AWS_ACCESS_KEY_ID").empty());
  EXPECT_FALSE(env.at("AWS_SECRET_ACCESS_KEY").empty());
}

TEST(Environment, SetsBothSpellingsOfEveryProxyVariable) {
  const auto env = turned({{"https_proxy", "http://corp:3128"}, {"ALL_PROXY", "socks5://corp:1080"}});
  for (const char* name :
       {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"})
    EXPECT_EQ(env.at(name), kFacts.url) << name;
  EXPECT_EQ(env.at("NO_PROXY"), env.at("no_proxy"));
  EXPECT_THAT(turned({}), Not(Contains(Key("ALL_PROXY"))));  // not there before: nothing escapes by it
}

TEST(Environment, UnsetsWhatWouldLeadElsewhere) {
  Environment old;
  for (const char* name : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3",
                           "AWS_ENDPOINT_URL_SAGEMAKER", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                           "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"})
    old[name] = "x";
  const auto env = turned(old);
  for (const auto& [name, value] : old) EXPECT_THAT(env, Not(Contains(Key(name))));
  EXPECT_THAT(env, Contains(Key("AWS_ENDPOINT_URL")));
}

TEST(Environment, PointsEveryClientsAuthoritiesAtOneFile) {
  const auto env = turned({{"SSL_CERT_FILE", "/corp.pem"}});
  for (const char* name : {"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"})
    EXPECT_EQ(env.at(name), "/data/bundle-1.pem") << name;
  EXPECT_EQ(env.at("NODE_EXTRA_CA_CERTS"), "/data/ca.pem");
}

TEST(NoProxy, IsTheOldListLessWhatCoversAnAwsNamePlusLoopback) {
  const auto list = [](const char* upper, const char* lower = "") {
    return no_proxy({{"NO_PROXY", upper}, {"no_proxy", lower}});
  };
  const std::string loopback = "127.0.0.1,localhost,::1";
  EXPECT_EQ(no_proxy({}), loopback);
  EXPECT_EQ(list("corp.example.com,10.0.0.0/8, *.internal"),
            "corp.example.com,10.0.0.0/8,*.internal," + loopback);
  EXPECT_EQ(list("a.example", "b.example a.example"), "a.example,b.example," + loopback);
  for (const char* entry :
       {"*", ".amazonaws.com", "amazonaws.com", "*.amazonaws.com", "com", ".com", "AmazonAWS.com",
        "s3.amazonaws.com", "sts.us-east-1.amazonaws.com:443", "amazonaws.com.cn", ".cn", "api.aws"})
    EXPECT_EQ(list(entry), loopback) << entry;
  for (const char* entry : {"notamazonaws.com", "amazonaws.example", "169.254.169.254", "fe80::1", "xcom"})
    EXPECT_EQ(list(entry), entry + ("," + loopback)) << entry;
  EXPECT_EQ(list("localhost"), "localhost,127.0.0.1,::1");
}

TEST(UpstreamProxy, IsTheOneOfBeforeLowerCaseFirst) {
  EXPECT_EQ(
      upstream_proxy({{"HTTPS_PROXY", "http://upper:1"}, {"https_proxy", "http://lower:1"}}, kFacts.url),
      "http://lower:1");
  EXPECT_EQ(upstream_proxy({{"ALL_PROXY", "http://all:1"}}, kFacts.url), "http://all:1");
  EXPECT_EQ(upstream_proxy({{"SAGELET_UPSTREAM_PROXY", "http://kept:1"}}, kFacts.url), "http://kept:1");
  EXPECT_EQ(upstream_proxy({{"http_proxy", "http://plain:1"}}, kFacts.url), "");
  EXPECT_EQ(upstream_proxy({}, kFacts.url), "");
}

TEST(UpstreamProxy, IsNeverOneOfOurs) {
  EXPECT_EQ(upstream_proxy({{"https_proxy", "http://127.0.0.1:4577/"}}, kFacts.url), "");
  EXPECT_EQ(upstream_proxy({{"https_proxy", "http://127.0.0.1:9"}, {"SAGELET_URL", "http://127.0.0.1:9"}},
                           kFacts.url),
            "");
  EXPECT_EQ(upstream_proxy({{"https_proxy", "http://user@127.0.0.1:4577"}, {"HTTPS_PROXY", "http://corp:1"}},
                           kFacts.url),
            "http://corp:1");
}

TEST(Environment, KeepsTheOldProxyForTheServer) {
  const auto env = turned({{"HTTPS_PROXY", "http://corp:3128"}});
  EXPECT_EQ(env.at("SAGELET_UPSTREAM_PROXY"), "http://corp:3128");
  EXPECT_THAT(turned({}), Not(Contains(Key("SAGELET_UPSTREAM_PROXY"))));
}

const Environment kBusy{{"HOME", "/home/me"},
                        {"HTTPS_PROXY", "http://corp:3128"},
                        {"NO_PROXY", "corp.example,.amazonaws.com"},
                        {"AWS_PROFILE", "prod"},
                        {"AWS_REGION", "us-west-2"},
                        {"AWS_ACCESS_KEY_ID", "AKIA'quoted'"},
                        {"AWS_ENDPOINT_URL_S3", "https://elsewhere"},
                        {"SSL_CERT_FILE", "/corp.pem"},
                        {"SAGELET_PYTHON", "/usr/bin/python3"}};

TEST(Environment, TurningTwiceChangesNothing) {
  const auto once = turned(kBusy);
  EXPECT_EQ(turned(once), once);
}

TEST(Environment, TurningToAnotherServerIsAsIfTheFirstHadNotBeen) {
  Facts other = kFacts;
  other.url = "http://127.0.0.1:5000";
  other.bundle = "/other/bundle.pem";
  EXPECT_EQ(turned(turned(kBusy), other), turned(kBusy, other));
}

TEST(Environment, UndoRestoresWhatWas) {
  const auto env = turned(kBusy);
  EXPECT_EQ(applied(env, undo(env)), kBusy);
  EXPECT_EQ(applied(turned({}), undo(turned({}))), Environment());
}

TEST(Environment, UndoWithoutATurnChangesNothing) {
  EXPECT_TRUE(undo(kBusy).empty());
  EXPECT_TRUE(undo({{"HOME", "/"}}).empty());
}

TEST(Environment, WhatWasChangedSinceKeepsItsNewerValue) {
  auto env = turned(kBusy);
  env["AWS_PROFILE"] = "new";
  env["NO_PROXY"] = "mine";
  env.erase("AWS_ACCESS_KEY_ID");
  const auto undone = applied(env, undo(env));
  EXPECT_EQ(undone.at("AWS_PROFILE"), "new");
  EXPECT_EQ(undone.at("NO_PROXY"), "mine");
  EXPECT_THAT(undone, Not(Contains(Key("AWS_ACCESS_KEY_ID"))));
  EXPECT_EQ(undone.at("AWS_REGION"), "us-west-2");
}

TEST(Environment, ABrokenMemoryIsIgnored) {
  for (const char* memory :
       {"", "{", "[]", "7", R"({"HOME": 1})", R"({"HOME": ["a"]})", R"({"HOME": [1, "/"]})"}) {
    const auto base = before({{"HOME", "/h"}, {"SAGELET_ENV_BEFORE", memory}});
    EXPECT_THAT(base, testing::ElementsAre(Pair("HOME", "/h"))) << memory;
  }
}

TEST(Shell, ExportsAreQuotedForPosixShells) {
  EXPECT_EQ(to_shell({{"A", "it's $HOME `x` \"y\" \\ \n"}, {"B", std::nullopt}, {"C", ""}}),
            "export A='it'\\''s $HOME `x` \"y\" \\ \n'\nunset B\nexport C=''\n");
  EXPECT_EQ(to_shell({{"NOT-A-NAME", "x"}, {"1X", "x"}, {"", "x"}}), "");
}

TEST(Shell, WhatItPrintsMeansTheSameInASh) {
  // Through a real sh, so that quoting is not only what we believe it to be.
  const std::string value = "a'b\"c$d`e\\f\n g  *?[x] !~#;&|<>(){}";
  const auto script = to_shell({{"VALUE", value}}) + "printf %s \"$VALUE\"";
  FILE* pipe = ::popen(("/bin/sh -c " + shell_quoted(script)).c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string out(1000, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), pipe));
  ::pclose(pipe);
  EXPECT_EQ(out, value);
}

}  // namespace
}  // namespace sagelet::cli
