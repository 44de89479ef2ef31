#include "server/services/credentials/store.hpp"

#include "server/services/testing.hpp"

namespace sagelet::credentials {
namespace {

using std::chrono::hours;

class Store : public ::testing::Test {
 protected:
  SessionCredentials made(WallTime expires) {
    return store->make(AccountId("111111111111"), "arn:aws:iam::111111111111:role/R", "SageMaker", "job1",
                       expires);
  }
  testing::Desk desk;
  RandomIds random;
  std::unique_ptr<CredentialStore> store = make_store(desk.ledger(), desk.clock, random);
};

TEST_F(Store, FindsWhatWasKeptAlsoAfterARestart) {
  const auto credentials = made(desk.clock.now() + hours(1));
  EXPECT_TRUE(credentials.access_key.starts_with("ASIA"));
  EXPECT_EQ(credentials.access_key.size(), 20u);
  ASSERT_TRUE(store->keep(credentials).wait());
  desk.open(storage::Durability::kProcess);
  const auto again = make_store(desk.ledger(), desk.clock, random)->find(credentials.access_key);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->secret_key, credentials.secret_key);
  EXPECT_EQ(again->session_token, credentials.session_token);
  EXPECT_EQ(again->job_id, "job1");
  EXPECT_EQ(again->expires, credentials.expires);
}

TEST_F(Store, MadeButNotKeptIsNotFound) {
  EXPECT_TRUE(store->find(made(desk.clock.now()).access_key).error().is(ErrorKind::kNotFound));
}

TEST_F(Store, DropsCredentialsPastTheirEnd) {
  const auto old = made(desk.clock.now() + hours(1));
  ASSERT_TRUE(store->keep(old).wait());
  desk.clock.advance(hours(2));
  ASSERT_TRUE(store->keep(made(desk.clock.now() + hours(1))).wait());
  EXPECT_FALSE(store->find(old.access_key));
}

TEST_F(Store, KeepsThemWithinTheCallersChange) {
  const auto credentials = made(desk.clock.now() + hours(1));
  const auto undone = desk.ledger().commit_and_wait([&](storage::Connection& connection) -> Status {
    TRY(store->keeping(credentials)(connection));
    return Error(ErrorKind::kConflict, "the caller changed its mind");
  });
  EXPECT_FALSE(undone);
  EXPECT_FALSE(store->find(credentials.access_key));
}

}  // namespace
}  // namespace sagelet::credentials
