#pragma once
// A whole Jobs over a real ledger and a runner that is a shell script; the test plays the runner's reports.
#include <signal.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "server/jobs/cores.hpp"
#include "server/jobs/fakes.hpp"
#include "server/jobs/jobs.hpp"
#include "server/jobs/placement/local/local.hpp"
#include "server/jobs/sweep.hpp"

namespace sagelet::jobs {

inline constexpr auto kImage = "me/mine:1";

class JobsTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.runner = write_fake_runner(home_.path());
    options_.folder = home_.path() / "jobs";
    python_ = (home_.path() / "python3.11").native();
    ASSERT_TRUE(write_file(python_, "nobody runs it", false, 0755));
    options_.images = {{"me/*", python_, ""}};
    options_.server_url = [] { return std::string("http://127.0.0.1:4577"); };
    options_.job_environment = [] { return std::vector<std::string>{"PIP_INDEX_URL=x"}; };
    options_.cores_per_job = static_cast<double>(Cores::of_machine().size());  // one at a time
    ledger_ = *storage::Ledger::open(home_.path() / "ledger.db", storage::Durability::kProcess);
  }
  void TearDown() override {
    if (jobs_) jobs_->clear();
    sweep(ids_used_);
  }

  void start(bool adopt = true) {
    auto started = Jobs::start(options_, *ledger_, clock_, ids_);
    ASSERT_TRUE(started) << started.error().message();
    jobs_ = std::move(*started);
    jobs_->listen("training", &listener_);
    if (adopt) jobs_->adopt();
  }
  /// The server goes and comes back; its runners stay.
  void restart() {
    jobs_.reset();
    start();
  }

  Request request(const std::string& id) {
    ids_used_.push_back(id);
    Request out;
    out.spec.job_id = id;
    out.spec.name = "name-" + id;
    out.spec.image = kImage;
    out.spec.report_token = "token-" + id;
    out.instance_type = "ml.m5.large";
    return out;
  }
  void put(Request wanted) {
    auto change = jobs_->enqueue(std::move(wanted));
    ASSERT_TRUE(change) << change.error().message();
    ASSERT_TRUE(ledger_->commit_and_wait(std::move(*change)));
  }
  void create(const std::string& id) {
    put(request(id));
    jobs_->wake();
  }
  void settle() { jobs_->listen("nobody", nullptr); }  // waits until posted work is done

  bool has(const std::string& id, const char* file) const { return fs::exists(options_.folder / id / file); }
  bool is_up(const std::string& id) const {
    return eventually([&] { return has(id, "up"); });
  }
  JobSpec spec_of(const std::string& id) const {
    return *JobSpec::from_json(*read_file(options_.folder / id / "spec.json"));
  }
  ProcessId runner_of(const std::string& id) const {
    for (const auto& process : marked_processes({id})) {
      const auto line = read_file("/proc/" + std::to_string(process.pid) + "/cmdline");
      if (line && line->find((options_.folder / id).native()) != std::string::npos) return process;
    }
    return {};
  }
  pid_t noted_runner(const std::string& id) const {
    const auto note = read_file(options_.folder / id / "runner.json");
    return note ? std::atoi(note->c_str() + std::string_view("{\"pid\": ").size()) : 0;
  }
  /// Signals the runner, or does what ends it, and waits for the next one to be up.
  bool followed_by_another(
      const std::string& id, int signal, const std::function<void()>& action = [] {}) {
    const pid_t before = noted_runner(id);
    fs::remove(options_.folder / id / "up");
    if (signal != 0) ::kill(before, signal);
    action();
    return eventually([&] { return noted_runner(id) != before && has(id, "up"); });
  }
  std::int64_t rows() {
    std::int64_t count = -1;
    (void)ledger_->read([&](storage::Connection& db) -> Status {
      auto statement = db.prepare("SELECT count(*) FROM jobs");
      TRY(const bool there, statement.step());
      if (there) count = statement.integer(0);
      return {};
    });
    return count;
  }

  static Report report(const std::string& id, std::uint64_t number, Phase phase = Phase::kTraining,
                       Outcome outcome = Outcome::kNone) {
    Report out;
    out.job_id = id;
    out.host = "algo-1";
    out.number = number;
    out.phase = phase;
    out.outcome = outcome;
    return out;
  }
  Status say(const Report& said) { return jobs_->intake("token-" + said.job_id, said); }
  Status end(const std::string& id, std::uint64_t number = 5, Outcome outcome = Outcome::kCompleted) {
    return say(report(id, number, Phase::kFinished, outcome));
  }

  TempFolder home_ = *TempFolder::make(fs::temp_directory_path(), "jobs-");
  Options options_;
  std::string python_;
  ManualClock clock_;
  RandomIds ids_;
  FakeListener listener_;
  std::unique_ptr<storage::Ledger> ledger_;
  std::unique_ptr<Jobs> jobs_;
  std::vector<std::string> ids_used_;
};

}  // namespace sagelet::jobs
