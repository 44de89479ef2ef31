#include "base/ticket.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace sagelet {
namespace {

TEST(Ticket, CallsBackWhenItCompletes) {
  const Ticket ticket;
  int calls = 0;
  ticket.on_done([&](Status status) { calls += status ? 1 : 100; });
  EXPECT_EQ(calls, 0);
  ticket.complete({});
  EXPECT_EQ(calls, 1);
  ticket.complete(Error(ErrorKind::kIo, "late"));
  EXPECT_EQ(calls, 1) << "once is enough";
}

TEST(Ticket, CallsBackAtOnceWhenItWasDone) {
  Status got;
  Ticket::done(Error(ErrorKind::kConflict, "no")).on_done([&](Status status) { got = std::move(status); });
  ASSERT_FALSE(got);
  EXPECT_TRUE(got.error().is(ErrorKind::kConflict));
}

TEST(Ticket, CanBeWaitedFor) {
  for (int i = 0; i < 200; ++i) {
    const Ticket ticket;
    std::thread completes([ticket] { ticket.complete(Error(ErrorKind::kNoSpace, "full")); });
    const Status status = ticket.wait();
    completes.join();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().message(), "full");
  }
}

}  // namespace
}  // namespace sagelet
