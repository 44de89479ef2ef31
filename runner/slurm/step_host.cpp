#include "runner/slurm/step_host.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "base/fs.hpp"
#include "base/log.hpp"
#include "runner/crew.hpp"
#include "runner/host_process.hpp"
#include "runner/slurm/nodes.hpp"
#include "runner/slurm/settle.hpp"
#include "runner/slurm/stream.hpp"

namespace sagelet::runner {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

class StepHost {
 public:
  int run() {
    rank_ = std::atoi(variable("SLURM_PROCID").c_str());
    node_ = variable("SLURMD_NODENAME");
    say({.node = node_, .address = own_address(node_, variable("SLURM_LAUNCH_NODE_IPADDR"))});
    while (!host_ || host_->running()) {
      pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0}, {host_ ? host_->fd() : -1, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0) continue;
      if (fds[1].revents && !host_->hear([this](std::string_view report) { pass_on(report); })) break;
      if (fds[0].revents && !obey()) return leave(1);
    }
    if (!host_->said_all()) say({.gone = "its runner on node " + node_ + " was killed"});
    return leave(0);
  }

 private:
  void say(Word word) {
    word.rank = rank_;
    if (const Status told = write_all(STDOUT_FILENO, word.to_lines()); !told)
      log::error("telling the leader: {}", told.error().message());
  }

  void pass_on(std::string_view report) { say({.report = std::string(report)}); }

  /// False: the leader is gone, or wants what we cannot do.
  bool obey() {
    std::string buffer(1 << 16, '\0');
    const auto got = read_some(STDIN_FILENO, buffer);
    if (!got || *got == 0) return false;
    bool good = true;
    orders_.feed({buffer.data(), *got}, [&](std::string_view line) {
      if (good) good = obey(line);
    });
    return good;
  }

  bool obey(std::string_view line) {
    const auto order = StepOrder::from_line(line);
    const Status done = !order ? Status(order.error()) : order->stop ? stop() : start(*order);
    if (!done) say({.gone = "node " + node_ + ": " + done.error().message()});
    return done.has_value();
  }

  Status stop() {
    if (host_) host_->stop();
    return {};
  }

  Status start(const StepOrder& order) {
    if (host_) return Error(ErrorKind::kInvalid, "it is started twice");
    TRY(job_, JobSpec::from_json(order.spec));
    const auto index = static_cast<std::size_t>(rank_);
    if (index >= job_.hosts.size() || order.addresses.size() != job_.hosts.size())
      return Error(ErrorKind::kInvalid, "the job has no such host");
    apart_ = !job_.shared_folder && order.leader != node_;
    TRY(make_folders(job_.folder, 0700));
    TRY(JobSpec spec, spec_of_host(job_, index));
    folder_ = spec.folder;
    if (spec.resumed && !Progress::read(folder_))
      return Error(ErrorKind::kInvalid, spec.current_host + " was gone with a leader before this one");
    Seat seat{.notes = settle(spec, job_.folder), .sends_parts = apart_};
    TRY(host_, HostProcess::start(
                   spec, [&] { return plan_of_host(spec, order.addresses, index); }, std::move(seat)));
    return {};
  }

  static SandboxPlan plan_of_host(const JobSpec& spec, const std::vector<std::string>& addresses,
                                  std::size_t index) {
    SandboxPlan plan = plan_of(spec);
    plan.addresses = addresses;
    plan.interface = interface_of(addresses[index]);
    if (index > 0) plan.env_alias = fs::path(spec.folder).parent_path() / spec.hosts.front() / "env";
    return plan;
  }

  /// What lies in the leader's own folder is the leader's to remove.
  int leave(int code) {
    if (host_) host_->kill();
    if (!apart_) return code;
    leave_node(job_, folder_);
    ::rmdir(fs::path(folder_).parent_path().c_str());  // stays where another host of the job is at work
    return code;
  }

  int rank_ = 0;
  std::string node_, folder_;
  JobSpec job_;
  bool apart_ = false;  ///< from the leader's folder
  Lines orders_;
  std::optional<HostProcess> host_;
};

}  // namespace

int run_step_host() {
  // Slurm's SIGTERM reaches the host's runner, too, which knows what to do; we stay until it has.
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
  log::start(log::Level::kInfo);
  return StepHost().run();
}

}  // namespace sagelet::runner
