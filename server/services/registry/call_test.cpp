// Who may come in with --auth strict.
#include <optional>

#include "base/digest.hpp"
#include "base/testing.hpp"
#include "gtest/gtest.h"
#include "server/services/registry/service.hpp"
#include "server/services/registry_login.hpp"
#include "server/services/testing.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::registry {
namespace {

class StrictRegistry : public ::testing::Test {
 protected:
  std::string password() {
    const auto credentials = credentials_.make(AccountId("000000000000"), "role", "login", "",
                                               clock_.now() + std::chrono::hours(12));
    EXPECT_TRUE(credentials_.keep(credentials).wait());
    return registry_password(credentials);
  }

  int status_of(const std::string& user, const std::string& password) {
    http::Head head;
    head.target = "/v2/";
    if (!user.empty()) head.headers.add("Authorization", "Basic " + to_base64(user + ":" + password));
    return status_of(registry_, std::move(head));
  }
  static int status_of(Registry& registry, http::Head head) {
    head.method = "GET";
    head.peer.loopback = true;
    const auto exchange = registry.exchange();
    if (auto refused = exchange->begin(std::move(head))) return refused->status;
    int status = 0;
    exchange->finish([&](http::Response response) { status = response.status; });
    return status;
  }

  TempFolder folder_ = TempFolder::make(fs::temp_directory_path(), "registry").value();
  ManualClock clock_;
  RandomIds ids_;
  std::unique_ptr<storage::Ledger> ledger_ =
      storage::Ledger::open(folder_.path() / "ledger.db", storage::Durability::kNone).value();
  std::unique_ptr<storage::ObjectStore> objects_ =
      storage::ObjectStore::open(folder_.path() / "objects", *ledger_).value();
  images::ImageStore store_{*objects_, clock_, ids_};
  sagelet::testing::MemoryCredentials credentials_;
  Registry registry_{{.strict = true}, store_, credentials_, clock_, ids_};
};

TEST_F(StrictRegistry, TakesATokenOfItsOwnForTwelveHours) {
  const auto given = password();
  EXPECT_EQ(status_of("AWS", given), 200);
  clock_.advance(std::chrono::hours(12) - std::chrono::seconds(1));
  EXPECT_EQ(status_of("AWS", given), 200);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(status_of("AWS", given), 401);
}

TEST_F(StrictRegistry, ChallengesEverybodyElse) {
  const auto given = password();
  EXPECT_EQ(status_of("", ""), 401);
  EXPECT_EQ(status_of("root", given), 401);
  EXPECT_EQ(status_of("AWS", to_base64("ASIA1:another token")), 401);
  EXPECT_EQ(status_of("AWS", to_base64("ASIA9:token")), 401);
}

TEST_F(StrictRegistry, NodesLogInWhereOthersNeedNot) {
  Registry open{{}, store_, credentials_, clock_, ids_};
  const images::Place place{{"000000000000", "us-east-1"}, "name"};
  const std::string digest = "sha256:" + std::string(64, 'a');
  http::Visit visit;
  http::Head root, layer;
  root.target = "/v2/";
  layer.target = "/v2/name/blobs/" + digest + "?" + open.layer_urls().sign(place, digest);
  EXPECT_EQ(status_of(open, root), 200);
  EXPECT_EQ(status_of(open, layer), 404);  // let in, and not there
  root.peer.visit = layer.peer.visit = &visit;
  EXPECT_EQ(status_of(open, root), 401);
  EXPECT_EQ(status_of(open, layer), 401);
  root.headers.add("Authorization", "Basic " + to_base64("AWS:" + password()));
  EXPECT_EQ(status_of(open, root), 200);
}

}  // namespace
}  // namespace sagelet::registry
