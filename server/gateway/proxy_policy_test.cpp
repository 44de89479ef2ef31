#include "server/gateway/proxy_policy.hpp"

#include "gtest/gtest.h"

namespace sagelet::gateway {
namespace {

using Kind = http::ProxyDecision::Kind;

ProxyOptions options() {
  ProxyOptions out;
  out.has_service = [](std::string_view service) { return service == "sts" || service == "s3"; };
  out.job_token = [](std::string_view token) { return token == "good"; };
  return out;
}

http::Head from(bool loopback) {
  http::Head head;
  head.method = "CONNECT";
  head.peer.loopback = loopback;
  return head;
}

TEST(ProxyPolicy, ServesAwsNamesOfOurServicesHere) {
  const auto policy = make_proxy_policy(options());
  EXPECT_EQ(policy(from(true), "sts.us-east-1.amazonaws.com", 443).kind, Kind::kServeHere);
  EXPECT_EQ(policy(from(true), "b.s3.us-east-1.amazonaws.com", 443).kind, Kind::kServeHere);
}

TEST(ProxyPolicy, ServesOurImageRegistriesAndTunnelsThoseOfOthers) {
  auto with = options();
  with.has_registry = [](std::string_view host) { return host.starts_with("000000000000."); };
  const auto policy = make_proxy_policy(with);
  EXPECT_EQ(policy(from(true), "000000000000.dkr.ecr.us-east-1.amazonaws.com", 443).kind, Kind::kServeHere);
  EXPECT_EQ(policy(from(true), "763104351884.dkr.ecr.us-east-1.amazonaws.com", 443).kind, Kind::kTunnel);
}

TEST(ProxyPolicy, TunnelsOtherNamesThroughTheOldProxy) {
  auto with = options();
  with.upstream_url = "http://me:p%40ss@proxy.corp:8080/";
  with.upstream_no_proxy = "localhost, .lan";
  const auto policy = make_proxy_policy(with);
  const auto decision = policy(from(true), "pypi.org", 443);
  EXPECT_EQ(decision.kind, Kind::kTunnel);
  EXPECT_EQ(decision.via_host, "proxy.corp");
  EXPECT_EQ(decision.via_port, 8080);
  EXPECT_EQ(decision.via_authorization, "Basic bWU6cEBzcw==");
  EXPECT_EQ(policy(from(true), "box.lan", 443).via_host, "");
  EXPECT_EQ(policy(from(true), "ec2.us-east-1.amazonaws.com", 443).kind, Kind::kTunnel);
}

TEST(ProxyPolicy, RefusesTheOutsideWhenOfflineAndNamesIt) {
  auto with = options();
  with.offline = true;
  const auto decision = make_proxy_policy(with)(from(true), "pypi.org", 443);
  ASSERT_EQ(decision.kind, Kind::kRefuse);
  EXPECT_EQ(decision.refusal->status, 403);
  EXPECT_NE(std::get<std::string>(decision.refusal->body).find("pypi.org"), std::string::npos);
}

TEST(ProxyPolicy, IsClosedToOtherMachinesWithoutAJobsToken) {
  const auto policy = make_proxy_policy(options());
  EXPECT_EQ(policy(from(false), "pypi.org", 443).refusal->status, 407);
  auto with_token = from(false);
  with_token.headers.add("Proxy-Authorization", "Bearer good");
  EXPECT_EQ(policy(with_token, "pypi.org", 443).kind, Kind::kTunnel);
}

}  // namespace
}  // namespace sagelet::gateway
