#include "server/gateway/door.hpp"

#include <map>

#include "base/digest.hpp"
#include "base/sigv4.hpp"
#include "base/testing.hpp"
#include "base/time_text.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/gateway/gateway.hpp"

namespace sagelet::gateway {
namespace {

using http::Head;
using http::Response;
using testing::HasSubstr;

constexpr std::string_view kWhoAmI = "Action=GetCallerIdentity&Version=2011-06-15";

class FakeSts : public TableService {
 public:
  FakeSts() : TableService(*model::find_service("sts")) {
    on("GetCallerIdentity", [](Context& context, Input) -> Reply<Output> {
      Output out;
      out.fields["Account"] = context.account().str();
      return out;
    });
  }
};

/// Whose buckets are open to everybody.
class FakeS3 : public TableService {
 public:
  FakeS3() : TableService(*model::find_service("s3")) {
    on("HeadBucket", [](Context&, Input) -> Reply<Output> { return Output{}; });
  }
};

class AnyOrigin : public CorsView {
 public:
  Reply<http::Headers> preflight(const CorsQuestion&) override { return http::Headers{}; }
  http::Headers headers_for(const CorsQuestion&) override { return {}; }
};

auth::Caller caller(std::string key, std::string job_id) {
  return {.account = "111111111111",
          .access_key = std::move(key),
          .secret_key = "secret",
          .session_token = "token",
          .role_arn = "arn:aws:iam::111111111111:role/R",
          .session_name = "SageMaker",
          .job_id = std::move(job_id),
          .expires = {}};
}

class AtDoor : public testing::Test {
 protected:
  AtDoor() {
    clock_.set(parse_amz_date("20261124T120000Z").value());
    for (const auto& [key, job] :
         std::map<std::string, std::string>{{"ASIAJOB", "job"}, {"ASIAENDED", "ended"}, {"ASIAROLE", ""}})
      sessions_[key] = caller(key, job);
    lives_["job"] = true;
    gateway_.add(&sts_);
    gateway_.add(&s3_);
  }

  Head head(std::string method, std::string target) {
    Head out;
    out.method = std::move(method);
    out.target = std::move(target);
    out.headers.add("Host", "10.0.0.5:4580");
    out.peer.address = "10.0.0.9";
    out.peer.loopback = false;
    out.peer.visit = &visit_;
    return out;
  }

  struct Signer {
    std::string key = "ASIAJOB", secret = "secret", token = "token";
  };
  Head who_am_i(const Signer& signer) {
    Head out = head("POST", "/");
    const std::string date = amz_date(clock_.now());
    out.headers.add("Content-Type", "application/x-www-form-urlencoded");
    out.headers.add("X-Amz-Date", date);
    if (!signer.token.empty()) out.headers.add("X-Amz-Security-Token", signer.token);
    const sigv4::Scope scope{date.substr(0, 8), "us-east-1", "sts"};
    const std::string hash = to_hex(Digest::of(DigestKind::kSha256, kWhoAmI));
    const std::string canonical =
        sigv4::canonical_text({.method = "POST",
                               .path = "/",
                               .query = "",
                               .signed_headers = {{"host", out.headers.get("host")}, {"x-amz-date", date}},
                               .payload_hash = hash});
    const std::string signature = sigv4::signature(sigv4::signing_key(signer.secret, scope),
                                                   sigv4::string_to_sign(date, scope, canonical));
    out.headers.add("Authorization", "AWS4-HMAC-SHA256 Credential=" + signer.key + "/" + scope.str() +
                                         ", SignedHeaders=host;x-amz-date, Signature=" + signature);
    return out;
  }

  /// "200 <answer>"
  std::string send(Head head, std::string_view body = {}) {
    const auto exchange = gateway_.exchange();
    std::optional<Response> answer = exchange->begin(std::move(head));
    if (!answer && !body.empty()) answer = exchange->body(body);
    if (!answer) exchange->finish([&](Response response) { answer = std::move(response); });
    const auto* bytes = std::get_if<std::string>(&answer->body);
    return std::to_string(answer->status) + " " + (bytes ? *bytes : "");
  }
  std::string call(const Signer& signer) { return send(who_am_i(signer), kWhoAmI); }

  auth::Options options() {
    auth::Options out;
    out.mode = auth::Mode::kLax;
    out.keys = {{"AKMAIN", "secret", "111111111111", "main", ""}};
    return out;
  }
  std::optional<auth::Caller> session(std::string_view key) {
    const auto found = sessions_.find(std::string(key));
    return found == sessions_.end() ? std::nullopt : std::optional(found->second);
  }
  admin::Admin fake_admin() {
    admin::Admin out;
    out.status = [] { return std::string("{}"); };
    out.authority = [] { return std::string("PEM"); };
    out.report = [](std::string_view token, std::string_view) -> Status {
      if (token != "good") return Error(ErrorKind::kPermission, "wrong token");
      return {};
    };
    return out;
  }

  ManualClock clock_;
  RandomIds ids_;
  http::Visit visit_;
  std::map<std::string, auth::Caller> sessions_;
  std::map<std::string, bool> lives_;
  int asked_ = 0;
  std::function<void()> while_asked_;
  const auth::SessionLookup lookup_ = [this](std::string_view key) { return session(key); };
  Door door_{{.auth = options(),
              .host = "10.0.0.5",
              .sessions = lookup_,
              .report_token =
                  [this](const std::string& id) {
                    ++asked_;
                    const bool lives = lives_[id];
                    if (while_asked_) while_asked_();
                    return lives ? std::optional("reports of " + id) : std::nullopt;
                  },
              .registry_login = [](std::string_view text) -> std::optional<http::Basic> {
                return text == "login" ? std::optional(http::Basic{"ASIAJOB", "token"}) : std::nullopt;
              }},
             clock_};
  auth::Authenticator authenticator_{options(), lookup_, clock_};
  AnyOrigin cors_;
  Gateway gateway_{Options{.cors = &cors_, .door = &door_, .registry = {}}, authenticator_, fake_admin(),
                   clock_, ids_};
  FakeSts sts_;
  FakeS3 s3_;
};

TEST_F(AtDoor, AJobsOwnCredentialsComeInWhateverTheMode) {
  EXPECT_THAT(call({}), HasSubstr("<Account>111111111111</Account>"));
  EXPECT_TRUE(visit_.over);
  EXPECT_FALSE(visit_.is_over());
  EXPECT_THAT(call({}), HasSubstr("200 "));
  EXPECT_EQ(asked_, 1);  // until the job's end is told
}

TEST_F(AtDoor, NothingElseComesIn) {
  struct Case {
    Signer signer;
    std::string answer;
  };
  sessions_["ASIALATE"] = caller("ASIALATE", "job");
  sessions_["ASIALATE"].expires = clock_.now();
  const std::vector<Case> cases{
      {{"AKMAIN", "secret", ""}, "403 .*InvalidClientTokenId.*credentials of running jobs only"},
      {{"123456789012", "anything", ""}, "403 .*InvalidClientTokenId"},
      {{"ASIAROLE", "secret", "token"}, "403 .*InvalidClientTokenId"},
      {{"ASIAENDED", "secret", "token"}, "ExpiredToken"},
      {{"ASIALATE", "secret", "token"}, "ExpiredToken"},
      {{"ASIAJOB", "guess", "token"}, "403 .*SignatureDoesNotMatch"},
      {{"ASIAJOB", "secret", "guess"}, "403 .*InvalidClientTokenId"},
      {{"ASIAJOB", "secret", ""}, "403 .*InvalidClientTokenId"},
  };
  for (const auto& [signer, answer] : cases) {
    std::string said = call(signer);
    std::ranges::replace(said, '\n', ' ');
    EXPECT_THAT(said, testing::ContainsRegex(answer)) << signer.key;
    if (signer.key != "ASIAJOB") {
      EXPECT_FALSE(visit_.over) << signer.key;
    }
  }
}

TEST_F(AtDoor, TheSameKeysComeInElsewhere) {
  auto request = who_am_i({"AKMAIN", "secret", ""});
  request.peer.visit = nullptr;
  request.headers.set("Host", "127.0.0.1:4577");
  EXPECT_THAT(send(std::move(request), kWhoAmI), HasSubstr("200 "));
}

TEST_F(AtDoor, NobodyIsAnonymousThere) {
  EXPECT_THAT(send(head("HEAD", "/bucket")), HasSubstr("403 "));
  auto elsewhere = head("HEAD", "/bucket");
  elsewhere.peer.visit = nullptr;
  elsewhere.headers.set("Host", "127.0.0.1:4577");
  EXPECT_THAT(send(std::move(elsewhere)), HasSubstr("200 "));
  auto form = head("POST", "/");
  form.headers.add("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_THAT(send(std::move(form), kWhoAmI), HasSubstr("MissingAuthenticationToken"));
  auto preflight = head("OPTIONS", "/bucket");
  preflight.headers.add("Origin", "https://page.example");
  preflight.headers.add("Access-Control-Request-Method", "GET");
  EXPECT_THAT(send(std::move(preflight)), HasSubstr("4"));
}

TEST_F(AtDoor, TheNameThatNodesAreToldIsAnswered) {
  auto request = head("GET", "/_sagelet/health");
  EXPECT_THAT(send(request), HasSubstr("200 "));
  request.headers.set("Host", "evil.example");
  EXPECT_THAT(send(request), HasSubstr("403 "));
  request.headers.set("Host", "10.0.0.5:4580");
  request.headers.add("Origin", "https://evil.example");
  EXPECT_THAT(send(request), HasSubstr("403 "));
}

TEST_F(AtDoor, NodesHaveReportsAndHealthAndTheAuthorityOnly) {
  struct Case {
    std::string method, path;
    int status;
  };
  const std::vector<Case> cases{
      {"GET", "health", 200},
      {"HEAD", "health", 200},
      {"GET", "authority", 200},
      {"POST", "reports", 200},
      {"GET", "reports", 403},
      {"POST", "health", 403},
      {"GET", "status", 403},
      {"GET", "doctor", 403},
      {"GET", "metrics", 403},
      {"POST", "reset", 403},
      {"POST", "scrub", 403},
      {"GET", "scrub", 403},
      {"POST", "snapshot", 403},
      {"DELETE", "snapshot/x", 403},
      {"POST", "interrupt/j", 403},
      {"GET", "ready", 403},
      {"GET", "nothing", 403},
      {"GET", "credentials/ASIAJOB", 403},
      {"POST", "reports/", 403},
      {"POST", "reports/../reset", 403},
      {"POST", "", 403},
      {"GET", "health/../status", 403},
      {"POST", "%72eset", 403},
  };
  for (const auto& [method, path, status] : cases) {
    auto request = head(method, "/_sagelet/" + path);
    request.headers.add("Authorization", "Bearer good");
    EXPECT_THAT(send(std::move(request), "{}"), HasSubstr(std::to_string(status) + " ")) << method << path;
  }
}

TEST_F(AtDoor, AReportHasItsTokenAndAMeasure) {
  auto request = head("POST", "/_sagelet/reports");
  request.headers.add("Authorization", "Bearer bad");
  EXPECT_THAT(send(request, "{}"), HasSubstr("403 "));
  request.headers.set("Authorization", "Bearer good");
  EXPECT_THAT(send(request, std::string((1u << 20) + 1, ' ')), HasSubstr("413 "));
}

TEST_F(AtDoor, AVisitIsOverWhenItsJobEnds) {
  EXPECT_THAT(call({}), HasSubstr("200 "));
  lives_["job"] = false;
  door_.job_ended("job");
  EXPECT_TRUE(visit_.is_over());
  visit_.over.reset();
  EXPECT_THAT(call({}), HasSubstr("ExpiredToken"));
  EXPECT_FALSE(visit_.over);
}

TEST_F(AtDoor, AJobThatEndsWhileItIsAskedForIsOver) {
  while_asked_ = [this] {
    lives_["job"] = false;
    door_.job_ended("job");
  };
  const auto ended = door_.session("ASIAJOB")->expires;
  EXPECT_TRUE(ended > WallTime() && ended < clock_.now());
  lives_["job"] = true;
  EXPECT_THAT(call({}), HasSubstr("ExpiredToken"));
  while_asked_ = nullptr;
  EXPECT_THAT(call({}), HasSubstr("ExpiredToken"));
}

TEST_F(AtDoor, ACallerThatWasNeverJudgedIsNotAdmitted) {
  auth::Judged judged;
  judged.caller.job_id = "job";
  EXPECT_TRUE(door_.admit(visit_, judged));
}

TEST_F(AtDoor, TheProxyTakesAJobsKeyAndToken) {
  const auto admitted = [this](const std::string& login) {
    auto request = head("CONNECT", "pypi.org:443");
    if (!login.empty()) request.headers.add("Proxy-Authorization", "Basic " + to_base64(login));
    visit_.over.reset();
    return door_.admit_to_proxy(request) && visit_.over != nullptr;
  };
  EXPECT_TRUE(admitted("ASIAJOB:token"));
  EXPECT_FALSE(admitted("ASIAJOB:reports of job"));  // scripts do not know that one
  sessions_["ASIALATE"] = caller("ASIALATE", "job");
  sessions_["ASIALATE"].expires = clock_.now();
  EXPECT_FALSE(admitted("ASIALATE:token"));
  for (const char* login : {"", "ASIAJOB", "ASIAJOB:", "ASIAJOB:guess", "ASIAJOB:secret", "ASIAENDED:token",
                            "ASIAROLE:token", "AKMAIN:secret", "AKMAIN:", ":token"})
    EXPECT_FALSE(admitted(login)) << login;
  door_.job_ended("job");
  lives_["job"] = false;
  EXPECT_FALSE(admitted("ASIAJOB:token"));
}

TEST_F(AtDoor, ImagesNeedALoginOfALivingJob) {
  auto request = head("GET", "/v2/");
  request.headers.add("Authorization", "login");
  EXPECT_TRUE(door_.admit_to_images(request));
  EXPECT_TRUE(visit_.over);
  request.headers.set("Authorization", "other");
  EXPECT_FALSE(door_.admit_to_images(request));
  request.headers.set("Authorization", "login");
  sessions_["ASIAJOB"].expires = clock_.now();
  EXPECT_FALSE(door_.admit_to_images(request));
  sessions_["ASIAJOB"].expires = {};
  EXPECT_TRUE(door_.admit_to_images(request));
  lives_["job"] = false;
  door_.job_ended("job");
  EXPECT_FALSE(door_.admit_to_images(request));
}

}  // namespace
}  // namespace sagelet::gateway
