#include "base/rounds.hpp"

#include <atomic>
#include <semaphore>

#include "gtest/gtest.h"

namespace sagelet {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Rounds, ComeAgainAfterThePauseThatTheWorkAskedFor) {
  std::counting_semaphore<> done(0);
  Rounds rounds;
  rounds.start([&] {
    done.release();
    return milliseconds(1);
  });
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(done.try_acquire_for(seconds(30)));
}

TEST(Rounds, ComeAtOnceWhenPokedAndNotBefore) {
  std::counting_semaphore<> done(0);
  Rounds rounds;
  rounds.start(
      [&] {
        done.release();
        return hours(1);
      },
      hours(1));
  EXPECT_FALSE(done.try_acquire_for(milliseconds(20)));
  for (int i = 0; i < 2; ++i) {
    rounds.poke();
    EXPECT_TRUE(done.try_acquire_for(seconds(30)));
  }
}

TEST(Rounds, APokeDuringARoundIsNotLost) {
  std::counting_semaphore<> entered(0), let_go(0);
  Rounds rounds;
  rounds.start([&] {
    entered.release();
    let_go.acquire();
    return hours(1);
  });
  ASSERT_TRUE(entered.try_acquire_for(seconds(30)));
  rounds.poke();
  let_go.release();
  EXPECT_TRUE(entered.try_acquire_for(seconds(30)));
  let_go.release();
}

TEST(Rounds, StopWaitsForTheRoundUnderWayAndIsTheEnd) {
  std::counting_semaphore<> entered(0);
  std::atomic<int> finished{0};
  Rounds rounds;
  rounds.start([&] {
    entered.release();
    std::this_thread::sleep_for(milliseconds(20));
    ++finished;
    return hours(1);
  });
  ASSERT_TRUE(entered.try_acquire_for(seconds(30)));
  rounds.poke();  // too late: it is being stopped
  rounds.stop();
  EXPECT_GE(finished, 1);
  const int before = finished;
  rounds.poke();
  rounds.stop();
  EXPECT_EQ(finished, before);
  EXPECT_FALSE(rounds.started());
}

}  // namespace
}  // namespace sagelet
