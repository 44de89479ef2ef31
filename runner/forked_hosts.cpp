#include "runner/forked_hosts.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/log.hpp"
#include "fmt/format.h"
#include "runner/host_process.hpp"
#include "runner/sandbox/process/private_network.hpp"

namespace sagelet::runner {
namespace {

/// How the hosts see each other.
struct Meeting {
  std::optional<PrivateNetwork> network;  ///< none: they are on the machine's own
  std::vector<std::string> addresses;
  std::string interface;
  std::optional<Confinement> only;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// Root makes networks at once; anybody else within a user namespace, in which all of the job's runners then
/// are.
Result<PrivateNetwork> private_network(const JobSpec& spec, Meeting& meeting) {
  const auto slashes = spec.server_url.find("//");
  const std::string server = spec.network_isolation || slashes == std::string::npos
                                 ? std::string()
                                 : spec.server_url.substr(slashes + 2);
  const auto wanted = variable("SAGELET_SANDBOX");
  if (wanted.empty() || wanted == to_string(Confinement::kNamespaces)) {
    auto network = PrivateNetwork::make(spec.hosts.size(), server);
    if (network || !wanted.empty()) return network;
  } else if (wanted != to_string(Confinement::kUserNamespaces)) {
    return Error(ErrorKind::kPermission, "SAGELET_SANDBOX allows none");
  }
  TRY(enter_user_namespace());
  meeting.only = Confinement::kNamespaces;
  return PrivateNetwork::make(spec.hosts.size(), server);
}

Meeting arrange_meeting(const JobSpec& spec) {
  Meeting meeting;
  if (spec.resumed || spec.sandbox != "process") return meeting;  // the engine makes networks itself
  const auto took = [begin = std::chrono::steady_clock::now()] {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin)
        .count();
  };
  auto network = variable("SAGELET_NETWORK") == "loopback"
                     ? Result<PrivateNetwork>(Error(ErrorKind::kPermission, "SAGELET_NETWORK is loopback"))
                     : private_network(spec, meeting);
  if (network) {
    for (const HostPlace& place : network->hosts) meeting.addresses.push_back(place.address);
    meeting.interface = "eth0";
    log::info("a private network for {} hosts, made in {} us", spec.hosts.size(), took());
    meeting.network = std::move(*network);
    return meeting;
  }
  log::warn("the hosts share this machine's network: {}", network.error().message());
  for (std::size_t i = 0; i < spec.hosts.size(); ++i)
    meeting.addresses.push_back(fmt::format("127.0.{}.{}", 1 + i / 250, i % 250 + 1));
  meeting.interface = "lo";
  return meeting;
}

SandboxPlan plan_of_host(const JobSpec& spec, const Meeting& meeting, std::size_t index) {
  SandboxPlan plan = plan_of(spec);
  plan.addresses = meeting.addresses;
  plan.interface = meeting.interface;
  plan.only = meeting.only;
  if (meeting.network) plan.network = meeting.network->hosts[index].network.get();
  // A launcher names the first host's interpreter to all (MPI), as if they had one image.
  if (index > 0) plan.env_alias = fs::path(spec.folder).parent_path() / spec.hosts.front() / "env";
  plan.isolated = false;  // a private network has no way out anyhow; without one they must see each other
  return plan;
}

class ForkedHosts final : public Crew {
 public:
  explicit ForkedHosts(const JobSpec& spec) : spec_(spec) {}

  Status start() override {
    Meeting meeting = arrange_meeting(spec_);
    for (std::size_t index = 0; index < spec_.hosts.size(); ++index) {
      TRY(const JobSpec spec, spec_of_host(spec_, index));
      if (spec.resumed && !Progress::read(spec.folder)) continue;  // it was gone with a leader before us
      Seat seat;
      if (meeting.network) seat.door = std::move(meeting.network->hosts[index].door);
      TRY(auto host, HostProcess::start(
                         spec, [&] { return plan_of_host(spec, meeting, index); }, std::move(seat),
                         [&] { hosts_.clear(); }));
      hosts_.push_back(std::move(host));
    }
    bridge_ = meeting.network ? std::move(meeting.network->bridge) : UniqueFd();
    return {};
  }

  std::vector<std::string> absent() const override {
    auto names = spec_.hosts;
    std::erase_if(names, [&](const std::string& name) {
      return std::ranges::find(hosts_, name, &HostProcess::host) != hosts_.end();
    });
    return names;
  }

  bool busy() const override { return std::ranges::any_of(hosts_, &HostProcess::running); }

  std::vector<int> fds() const override {
    std::vector<int> fds;
    for (const HostProcess& host : hosts_) fds.push_back(host.fd());
    return fds;
  }

  void hear(const Ear& ear) override {
    for (HostProcess& host : hosts_) {
      if (!host.running() || !is_readable(host.fd()) || host.hear(ear.report)) continue;
      if (!host.said_all() && can_be_taken_up(spec_.folder) != TakeUp::kNo) {
        log::error("the runner of {} ended without a report", host.host());
        ::_exit(1);  // all together, by a leader after us
      }
      ear.gone(host.host(), "its runner was killed");
    }
  }

  void stop() override {
    for (const HostProcess& host : hosts_) host.stop();
  }

 private:
  const JobSpec& spec_;
  std::vector<HostProcess> hosts_;
  UniqueFd bridge_;
};

}  // namespace

std::unique_ptr<Crew> make_forked_hosts(const JobSpec& spec) {
  return std::make_unique<ForkedHosts>(spec);
}

}  // namespace sagelet::runner
