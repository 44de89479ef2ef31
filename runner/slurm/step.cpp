#include "runner/slurm/step.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "base/child.hpp"
#include "base/log.hpp"
#include "fmt/format.h"
#include "runner/slurm/parts.hpp"
#include "runner/slurm/stream.hpp"

extern char** environ;

namespace sagelet::runner {
namespace {

constexpr std::chrono::seconds kTimeToMeet{120};
constexpr std::chrono::seconds kTimeToEnd{20};  ///< of srun, asked to give up

/// Options of the site or the batch script that would make srun's streams something else, or forbid ours.
constexpr std::array<std::string_view, 9> kNotForSrun{
    "SLURM_LABELIO",      "SLURM_STDINMODE",       "SLURM_STDOUTMODE", "SLURM_STDERRMODE", "SLURM_HINT",
    "SLURM_UNBUFFEREDIO", "SLURM_NTASKS_PER_NODE", "SLURM_OVERCOMMIT", "SLURM_WORKING_DIR"};

std::vector<std::string> environment_of_srun() {
  std::vector<std::string> out;
  for (char** pair = environ; pair && *pair; ++pair) {
    const std::string_view text = *pair;
    if (std::ranges::find(kNotForSrun, text.substr(0, text.find('='))) == kNotForSrun.end())
      out.emplace_back(text);
  }
  return out;
}

std::vector<std::string> srun_command(std::size_t count) {
  std::error_code error;
  const std::string number = std::to_string(count);
  return {"srun",
          "--nodes=" + number,
          "--ntasks=" + number,
          "--ntasks-per-node=1",
          "--distribution=block",
          "--cpu-bind=none",
          "--mpi=none",
          "--export=ALL",
          "--kill-on-bad-exit=1",
          "--wait=0",
          "--chdir=/",
          fs::read_symlink("/proc/self/exe", error).string(),
          "--step-host"};
}

class Step final : public Crew {
 public:
  explicit Step(const JobSpec& spec) : spec_(spec), hosts_(spec.hosts.size()) {}

  Status start() override {
    for (std::size_t i = 0; i < hosts_.size(); ++i) hosts_[i].name = spec_.hosts[i];
    TRY(Pipe orders, make_pipe());
    TRY(Pipe words, make_pipe());
    TRY(Pipe errors, make_pipe());
    TRY(srun_, Child::start({.argv = srun_command(hosts_.size()),
                             .environment = environment_of_srun(),
                             .working_folder = {},
                             .stdin_fd = orders.read.get(),
                             .stdout_fd = words.write.get(),
                             .stderr_fd = errors.write.get(),
                             .inherited_fds = {},
                             .new_session = true}));
    orders_ = std::move(orders.write);
    words_fd_ = std::move(words.read);
    errors_fd_ = std::move(errors.read);
    deadline_ = std::chrono::steady_clock::now() + kTimeToMeet;
    return {};
  }

  std::vector<std::string> absent() const override {
    std::vector<std::string> names;
    for (const Host& host : hosts_)
      if (!srun_) names.push_back(host.name);
    return names;
  }

  bool busy() const override { return static_cast<bool>(words_fd_); }
  std::vector<int> fds() const override { return {words_fd_.get(), errors_fd_.get()}; }

  int patience() const override {
    if (!deadline_) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  }

  void hear(const Ear& ear) override {
    if (errors_fd_ && is_readable(errors_fd_.get())) hear_errors();
    if (is_readable(words_fd_.get()) && !hear_words(ear)) return over(ear);
    if (deadline_ && std::chrono::steady_clock::now() >= *deadline_) too_late();
  }

  void stop() override {
    if (started_) return order({.stop = true});
    stop_asked_ = true;  // when they have met
  }

  Status bring_outputs(Job& job) override {
    for (const Host& host : hosts_)
      if (is_apart(host)) TRY(fetch_parts(job, host.name));
    return {};
  }

  void tidy_up(Job& job) override {
    if (std::ranges::none_of(hosts_, [this](const Host& host) { return is_apart(host); })) return;
    if (const Status done = remove_parts(job); !done) log::warn("{}", done.error().message());
  }

 private:
  struct Host {
    std::string name, node, address;
    bool gone = false;
  };

  bool is_apart(const Host& host) const { return !spec_.shared_folder && host.node != own_node(); }

  static std::string own_node() {
    const char* node = std::getenv("SLURMD_NODENAME");
    return node ? node : "";
  }

  /// False: srun has ended.
  bool hear_words(const Ear& ear) {
    std::string buffer(1 << 16, '\0');
    const auto got = read_some(words_fd_.get(), buffer);
    if (!got || *got == 0) return false;
    words_.feed(
        {buffer.data(), *got}, [&](const Word& word) { heard(word, ear); },
        [](std::string_view text) { log::info("srun: {}", text); });
    return true;
  }

  void heard(const Word& word, const Ear& ear) {
    if (static_cast<std::size_t>(word.rank) >= hosts_.size()) return;
    Host& host = hosts_[static_cast<std::size_t>(word.rank)];
    if (!word.report.empty()) return ear.report(word.report);
    if (!word.gone.empty()) {
      host.gone = true;
      return ear.gone(host.name, word.gone);
    }
    host.node = word.node;
    host.address = word.address;
    log::info("{} is on node {}, {}", host.name, host.node, host.address);
    if (!started_ && std::ranges::none_of(hosts_, [](const Host& one) { return one.address.empty(); })) go();
  }

  void go() {
    StepOrder first{.spec = spec_.to_json(), .leader = own_node()};
    for (const Host& host : hosts_) first.addresses.push_back(host.address);
    started_ = true;
    deadline_.reset();
    order(first);
    if (stop_asked_) stop();
  }

  void order(const StepOrder& what) {
    if (const Status sent = write_all(orders_.get(), what.to_line()); !sent)
      log::error("telling the hosts: {}", sent.error().message());  // srun is gone: its end says it
  }

  /// What srun itself says; the first complaint is the cause, the others follow from it.
  void hear_errors() {
    std::string buffer(1 << 16, '\0');
    const auto got = read_some(errors_fd_.get(), buffer);
    if (!got || *got == 0) return errors_fd_.reset();
    errors_.feed({buffer.data(), *got}, [&](std::string_view text) {
      log::info("{}", text);
      if (why_.empty() && text.find("error: ") != text.npos) why_ = text;
    });
  }

  void too_late() {
    if (!srun_) return;
    if (given_up_) return srun_->signal(SIGKILL);
    given_up_ = true;
    std::string missing;
    for (const Host& host : hosts_)
      if (host.address.empty()) missing += " " + host.name;
    if (why_.empty()) why_ = fmt::format("not all hosts came within {} s:{}", kTimeToMeet.count(), missing);
    log::error("{}", why_);
    srun_->signal(SIGTERM);
    deadline_ = std::chrono::steady_clock::now() + kTimeToEnd;
  }

  void over(const Ear& ear) {
    while (errors_fd_ && is_readable(errors_fd_.get())) hear_errors();
    words_fd_.reset();
    orders_.reset();
    deadline_.reset();
    if (srun_) srun_->wait();
    for (const Host& host : hosts_)
      if (!host.gone)
        ear.gone(host.name, (host.node.empty() ? std::string() : "node " + host.node + ": ") +
                                (why_.empty() ? "srun ended" : why_));
  }

  const JobSpec& spec_;
  std::vector<Host> hosts_;
  std::optional<Child> srun_;
  UniqueFd orders_, words_fd_, errors_fd_;
  Words words_;
  Lines errors_;
  std::string why_;
  bool started_ = false, stop_asked_ = false, given_up_ = false;
  std::optional<SteadyTime> deadline_;  ///< to meet, then to end
};

}  // namespace

std::unique_ptr<Crew> make_step(const JobSpec& spec) {
  return std::make_unique<Step>(spec);
}

}  // namespace sagelet::runner
