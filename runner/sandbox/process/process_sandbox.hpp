#pragma once
// The sandbox of processes on this machine: namespaces where there are any, and what remains where there are
// none.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/sandbox/process/link.hpp"
#include "runner/sandbox/sandbox.hpp"

namespace sagelet::runner {

/// Best first; each falls back to the next.
enum class Confinement { kNamespaces, kUserNamespaces, kLink, kBaseFolder };
std::string_view to_string(Confinement confinement);

struct SandboxPlan {
  std::string folder;           ///< the job's; ml/ in it becomes /opt/ml
  std::string host = "algo-1";  ///< host name inside, where it can be set
  std::vector<std::string> hosts{"algo-1"};
  std::vector<std::string> addresses{};  ///< of `hosts`, in order; empty: all on loopback
  int network = -1;          ///< a network namespace to run in (private_network.hpp); -1: the machine's
  bool isolated = false;     ///< a network with nothing but loopback, where it can be had
  std::string interface {};  ///< of the hosts' network; empty: whatever the machine has
  std::vector<int> cpus;
  std::string
      env_alias{};  ///< <folder>/env is seen there, too: the first host's, so that one path does for all
  std::string checkpoint_path;  ///< outside /opt/ml: <folder>/checkpoints goes there; empty: nothing to do
  std::vector<std::string>
      kept{};                ///< of /tmp and its like the job sees these (kept_paths.hpp), and its folder
  std::string opt = "/opt";  ///< where kLink makes its link (tests)
  std::optional<Confinement> only;  ///< no other (tests; SAGELET_SANDBOX)
};

class ProcessSandbox final : public Sandbox {
 public:
  /// Forks the init: call it while the process has one thread.
  static Result<std::unique_ptr<ProcessSandbox>> make(const SandboxPlan& plan);
  /// Kills all processes of the job.
  ~ProcessSandbox() override;

  std::string name() const override { return std::string(to_string(confinement_)); }
  std::string base() const override;
  Status start(const Command& command, int stdout_fd, int stderr_fd) override;
  int fd() const override { return socket_.get(); }
  Ended ended() override;
  void signal(int number) override;

  Confinement confinement() const { return confinement_; }
  Result<UniqueFd> mount_fuse(const std::string& folder) override;
  Status show_folder(const std::string& from, const std::string& folder, bool read_only) override;
  bool has_mounts() const override { return confinement_ <= Confinement::kUserNamespaces; }
  pid_t init_pid() const override { return init_; }
  /// With kLink: false while another job has /opt/ml. True in all other ways.
  Result<bool> take_place() override;
  std::string interface_name() const override;
  bool has_own_network() const override { return own_network_; }
  /// What better ways were tried and why they failed.
  const std::vector<std::string>& notes() const override { return notes_; }

 private:
  ProcessSandbox() = default;
  Status try_way(const SandboxPlan& plan, Confinement way);

  Confinement confinement_ = Confinement::kBaseFolder;
  std::string folder_, opt_, interface_;
  bool own_network_ = false;
  UniqueFd socket_;
  pid_t init_ = 0;
  std::optional<OptLink> link_;
  std::vector<std::string> notes_;
};

/// What `sagelet-runner --probe` prints: {"sandbox": "...", "notes": [...]}.
std::string probe();

}  // namespace sagelet::runner
