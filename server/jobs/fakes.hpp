#pragma once
// Test doubles of this room: a clock ticked by hand, a listener that remembers, a runner that is a small
// shell script.
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fs.hpp"
#include "fmt/format.h"
#include "server/jobs/jobs.hpp"

namespace sagelet::jobs {

/// Processes are not on our clock: they get this long.
inline constexpr auto kPatience = std::chrono::seconds(10);

template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class ManualClock final : public Clock {
 public:
  WallTime now() const override { return from_millis(1'700'000'000'000 + passed()); }
  SteadyTime steady() const override { return SteadyTime(std::chrono::milliseconds(passed())); }
  void tick(std::chrono::milliseconds time) {
    const std::lock_guard lock(mutex_);
    passed_ += time.count();
  }

 private:
  std::int64_t passed() const {
    const std::lock_guard lock(mutex_);
    return passed_;
  }
  mutable std::mutex mutex_;
  std::int64_t passed_ = 1000;
};

class FakeListener final : public Listener {
 public:
  void pending(const std::string& job_id, const std::string& message) override {
    const std::lock_guard lock(mutex_);
    pending_[job_id].push_back(message);
  }
  Status report(const Report& report) override {
    const std::lock_guard lock(mutex_);
    if (failures_ > 0 && failures_-- > 0) return Error(ErrorKind::kNoSpace, "the disk is full");
    reports_.push_back(report);
    return {};
  }
  Status lost(const std::string& job_id, const std::string& why) override {
    const std::lock_guard lock(mutex_);
    if (failures_ > 0 && failures_-- > 0) return Error(ErrorKind::kNoSpace, "the disk is full");
    lost_[job_id] = why;
    return {};
  }

  void fail_next(int times) {
    const std::lock_guard lock(mutex_);
    failures_ = times;
  }
  int failures_left() const {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  std::vector<std::string> messages(const std::string& job_id) const {
    const std::lock_guard lock(mutex_);
    const auto found = pending_.find(job_id);
    return found == pending_.end() ? std::vector<std::string>() : found->second;
  }
  std::vector<Report> reports(const std::string& job_id) const {
    const std::lock_guard lock(mutex_);
    std::vector<Report> out;
    for (const auto& report : reports_)
      if (report.job_id == job_id) out.push_back(report);
    return out;
  }
  std::string lost_why(const std::string& job_id) const {
    const std::lock_guard lock(mutex_);
    const auto found = lost_.find(job_id);
    return found == lost_.end() ? "" : found->second;
  }

 private:
  mutable std::mutex mutex_;
  int failures_ = 0;
  std::map<std::string, std::vector<std::string>> pending_;
  std::vector<Report> reports_;
  std::map<std::string, std::string> lost_;
};

/// A runner that notes itself as the real one does, then lives until SIGTERM (it leaves a file `stopped`).
/// The file `mode` beside it changes that: "quit" ends at once, "early" lives without having written its
/// note, "daemon" leaves a process in a session of its own behind, "hosts" one that looks like itself, as the
/// hosts of a job do.
inline constexpr auto kFakeRunner = R"sh(#!/bin/sh
[ "$1" = --probe ] && echo '{"sandbox": "fake", "notes": ["a note"]}' && exit 0
mode=$(cat "$(dirname "$0")/mode" 2>/dev/null)
[ "$mode" = early ] && exec sleep 600
printf '{"pid": %d, "start_time": %d}' $$ "$(cut -d' ' -f22 /proc/$$/stat)" >"$1/note"
mv "$1/note" "$1/runner.json"
[ "$mode" = quit ] && exit 3
[ "$mode" = daemon ] && setsid sleep 600 &
[ "$mode" = hosts ] && (sleep 600; :) &
trap 'touch "$1/stopped"; kill $waited; exit 0' TERM
sleep 600 & waited=$!
touch "$1/up"
wait $waited
)sh";

inline std::filesystem::path write_fake_runner(const std::filesystem::path& folder) {
  const auto file = folder / "runner";
  (void)write_file(file, kFakeRunner, false, 0755);
  return file;
}

inline void set_mode(const std::filesystem::path& folder, std::string_view mode) {
  (void)write_file(folder / "mode", mode);
}

}  // namespace sagelet::jobs
