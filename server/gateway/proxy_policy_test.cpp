#include "server/gateway/proxy_policy.hpp"

#include "base/digest.hpp"
#include "base/testing.hpp"
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

class ProxyAtDoor : public testing::Test {
 protected:
  http::Head head(const std::string& login = {}) {
    auto out = from(true);  // a node may be this machine
    out.peer.visit = &visit_;
    if (!login.empty()) out.headers.add("Proxy-Authorization", "Basic " + to_base64(login));
    return out;
  }
  ProxyOptions with_door() {
    auto out = options();
    out.door = &door_;
    return out;
  }

  ManualClock clock_;
  http::Visit visit_;
  bool lives_ = true;
  Door door_{{.auth = {},
              .host = "10.0.0.5",
              .sessions =
                  [](std::string_view key) {
                    auth::Caller caller;
                    caller.session_token = "token";
                    caller.job_id = "job";
                    return key == "ASIAJOB" ? std::optional(caller) : std::nullopt;
                  },
              .report_token =
                  [this](const std::string&) {
                    return lives_ ? std::optional<std::string>("reports") : std::nullopt;
                  },
              .registry_login = {}},
             clock_};
};

TEST_F(ProxyAtDoor, IsOpenToLivingJobs) {
  const auto policy = make_proxy_policy(with_door());
  const auto outside = policy(head("ASIAJOB:token"), "pypi.org", 443);
  EXPECT_EQ(outside.kind, Kind::kTunnel);
  EXPECT_TRUE(outside.outside_only);
  EXPECT_TRUE(visit_.over);
  EXPECT_EQ(policy(head("ASIAJOB:token"), "sts.us-east-1.amazonaws.com", 443).kind, Kind::kServeHere);
  lives_ = false;
  door_.job_ended("job");
  EXPECT_EQ(policy(head("ASIAJOB:token"), "pypi.org", 443).refusal->status, 407);
}

TEST_F(ProxyAtDoor, AsksEverybodyElseForALogin) {
  const auto policy = make_proxy_policy(with_door());
  auto bearer = head();
  bearer.headers.add("Proxy-Authorization", "Bearer good");
  for (const auto& request : {head(), head("ASIAJOB:guess"), bearer})
    for (const char* host : {"pypi.org", "sts.us-east-1.amazonaws.com"}) {
      const auto decision = policy(request, host, 443);
      ASSERT_EQ(decision.kind, Kind::kRefuse) << host;
      EXPECT_EQ(decision.refusal->status, 407);
      EXPECT_TRUE(decision.refusal->headers.get("Proxy-Authenticate").starts_with("Basic "));
    }
  EXPECT_FALSE(visit_.over);
}

TEST_F(ProxyAtDoor, DoesNotAskTheNextProxyForThisMachine) {
  auto with = with_door();
  with.upstream_url = "http://proxy.corp:8080";
  const auto policy = make_proxy_policy(with);
  for (const char* host : {"localhost", "a.localhost", "localhost.", "127.0.0.1", "127.8.8.8", "::1",
                           "0.0.0.0", "0", "::", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1"}) {
    const auto decision = policy(head("ASIAJOB:token"), host, 4577);
    ASSERT_EQ(decision.kind, Kind::kRefuse) << host;
    EXPECT_EQ(decision.refusal->status, 403) << host;
  }
  EXPECT_EQ(policy(head("ASIAJOB:token"), "pypi.org", 443).via_host, "proxy.corp");
  EXPECT_EQ(policy(from(true), "localhost", 443).kind, Kind::kTunnel);
}

}  // namespace
}  // namespace sagelet::gateway
