#include "server/services/sagemaker/timekeeper.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace sagelet::sagemaker {

namespace {

/// Between two looks, whatever the next deadline: the wall clock may be set meanwhile.
constexpr std::chrono::milliseconds kLongest{60'000};
/// Before what could not be handled is tried again.
constexpr std::chrono::milliseconds kShortest{1'000};

}  // namespace

void Timekeeper::start() {
  rounds_.start([this] {
    run_due();
    return until_next();
  });
}

void Timekeeper::run_due() {
  std::vector<Deadline> due;
  const auto read = ledger_.read([&](storage::Connection& connection) -> Status {
    TRY(due, deadlines_until(connection, clock_.now()));
    return {};
  });
  if (!read) log::error("looking for what is due: {}", read.error().message());
  for (const Deadline& deadline : due) handle_(deadline);
}

std::chrono::milliseconds Timekeeper::until_next() {
  std::optional<WallTime> next;
  const auto read = ledger_.read([&](storage::Connection& connection) -> Status {
    TRY(next, next_deadline(connection));
    return {};
  });
  if (!read) return kShortest;
  if (!next) return kLongest;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*next - clock_.now());
  return left.count() <= 0 ? kShortest : std::min(left + std::chrono::milliseconds(1), kLongest);
}

}  // namespace sagelet::sagemaker
