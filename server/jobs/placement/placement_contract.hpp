#pragma once
// What every placement must do: give contract_test.cpp a factory of `Placed`.
#include <poll.h>
#include <signal.h>

#include <functional>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/jobs/fakes.hpp"
#include "server/jobs/placement/placement.hpp"
#include "server/jobs/sweep.hpp"

namespace sagelet::jobs {

/// A placement and where its jobs' folders are, with the fake runner in `home`.
struct Placed {
  std::filesystem::path home, folder;
  std::function<std::unique_ptr<Placement>()> make;  ///< again: as after a restart of the server
};

class PlacementContract : public testing::TestWithParam<Placed (*)(const std::filesystem::path&)> {
 protected:
  void SetUp() override {
    placed_ = GetParam()(home_.path());
    placement_ = placed_.make();
    ASSERT_TRUE(placement_->probe());
  }
  void TearDown() override {
    for (const auto& id : started_) placement_->kill({id}, {});
  }

  Handle start(const std::string& id) {
    JobSpec spec;
    spec.job_id = id;
    spec.name = id;
    started_.push_back(id);
    auto handle = placement_->start(spec);
    EXPECT_TRUE(handle) << handle.error().message();
    return handle ? *handle : Handle();
  }
  bool has(const std::string& id, const char* file) const {
    return std::filesystem::exists(placed_.folder / id / file);
  }
  Handle start_and_wait(const std::string& id) {
    auto handle = start(id);
    EXPECT_TRUE(eventually([&] { return has(id, "up"); }));
    return handle;
  }

  TempFolder home_ = *TempFolder::make(std::filesystem::temp_directory_path(), "placement-");
  Placed placed_;
  std::unique_ptr<Placement> placement_;
  std::vector<std::string> started_;
};

TEST_P(PlacementContract, StartsARunnerWithItsSpec) {
  const auto handle = start_and_wait("first");
  EXPECT_TRUE(placement_->alive(handle));
  const auto spec = JobSpec::from_json(*read_file(placed_.folder / "first" / "spec.json"));
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->job_id, "first");
  EXPECT_EQ(spec->folder, (placed_.folder / "first").native());
}

TEST_P(PlacementContract, StartsAJobOnlyOnce) {
  start_and_wait("first");
  JobSpec again;
  again.job_id = "first";
  const auto second = placement_->start(again);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(ErrorKind::kAlreadyExists));
}

TEST_P(PlacementContract, TheRunnerOutlivesItsPlacementAndIsKnownAgain) {
  const auto handle = start_and_wait("first");
  placement_.reset();
  placement_ = placed_.make();
  EXPECT_TRUE(placement_->alive(handle));
  EXPECT_EQ(placement_->find("first"), handle);
}

TEST_P(PlacementContract, FindsARunnerThatHasNotNotedItselfYet) {
  set_mode(placed_.home, "early");
  const auto handle = start("first");
  EXPECT_TRUE(placement_->alive(handle));
  placement_.reset();
  placement_ = placed_.make();
  EXPECT_FALSE(placement_->find("other"));
}

TEST_P(PlacementContract, ItsDescriptorIsReadableWhenTheRunnerEnded) {
  const auto handle = start_and_wait("first");
  const auto fd = placement_->watch(handle);
  ASSERT_TRUE(fd);
  const bool tells = placement_->capabilities().queues;
  EXPECT_NE(fd->get() >= 0, tells);
  (void)placement_->news();
  pollfd waited{tells ? placement_->news_fd() : fd->get(), POLLIN, 0};
  EXPECT_EQ(::poll(&waited, 1, 0), 0);
  placement_->stop(handle);
  while (placement_->alive(handle) && ::poll(&waited, 1, 20000) == 1 && tells) (void)placement_->news();
  EXPECT_EQ(::poll(&waited, 1, tells ? 0 : 20000), tells ? 0 : 1);
  EXPECT_FALSE(placement_->alive(handle));
  EXPECT_TRUE(has("first", "stopped"));
}

TEST_P(PlacementContract, KillLeavesNoProcessNotEvenADaemon) {
  set_mode(placed_.home, "daemon");
  const auto handle = start_and_wait("first");
  EXPECT_FALSE(marked_processes({"first"}).empty());
  placement_->kill({"first"}, {handle});
  EXPECT_FALSE(placement_->alive(handle));
  EXPECT_TRUE(marked_processes({"first"}).empty());
}

TEST_P(PlacementContract, GivesTheReportsADeadRunnerLeftInOrder) {
  start_and_wait("first");
  std::filesystem::create_directory(placed_.folder / "first" / "reports");
  for (const int number : {10, 9}) {
    Report report;
    report.job_id = "first";
    report.number = static_cast<std::uint64_t>(number);
    ASSERT_TRUE(write_file(placed_.folder / fmt::format("first/reports/{}.json", number), report.to_json()));
  }
  ASSERT_TRUE(write_file(placed_.folder / "first/reports/11.json", "{ broken"));
  ASSERT_TRUE(write_file(placed_.folder / "first/reports/12.json.tmp", "{}"));
  const auto left = placement_->left_reports("first");
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].number, 9u);
  EXPECT_EQ(left[1].number, 10u);
}

TEST_P(PlacementContract, ReaddressesAndRemoves) {
  start_and_wait("first");
  ASSERT_TRUE(placement_->readdress("first", "http://127.0.0.1:1"));
  EXPECT_EQ(JobSpec::from_json(*read_file(placed_.folder / "first" / "spec.json"))->server_url,
            "http://127.0.0.1:1");
  EXPECT_EQ(*read_file(placed_.folder / "first" / "server_url"), "http://127.0.0.1:1\n");
  EXPECT_THAT(placement_->folders(), testing::ElementsAre("first"));
  placement_->kill({"first"}, {});
  EXPECT_TRUE(placement_->remove("first"));
  EXPECT_TRUE(placement_->remove("first"));
  EXPECT_TRUE(placement_->folders().empty());
}

TEST_P(PlacementContract, NonsenseHandlesAreNobody) {
  for (const char* handle : {"", "x", "1", "0 0", "-1 5", "999999999 1", "1 1"}) {
    EXPECT_FALSE(placement_->alive(handle)) << handle;
    EXPECT_FALSE(placement_->watch(handle)) << handle;
    placement_->stop(handle);
  }
}

}  // namespace sagelet::jobs
