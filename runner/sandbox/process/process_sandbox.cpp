#include "runner/sandbox/process/process_sandbox.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/fs.hpp"
#include "base/socket.hpp"
#include "runner/sandbox/enter.hpp"
#include "runner/sandbox/process/init.hpp"
#include "runner/sandbox/process/mounts.hpp"
#include "runner/sandbox/process/private_folder.hpp"
#include "runner/sandbox/process/private_network.hpp"
#include "runner/sandbox/process/scratch.hpp"
#include "runner/sandbox/process/wire.hpp"

namespace sagelet::runner {
namespace {

constexpr Confinement kWays[] = {Confinement::kNamespaces, Confinement::kUserNamespaces, Confinement::kLink,
                                 Confinement::kBaseFolder};

bool has_namespaces(Confinement way) {
  return way <= Confinement::kUserNamespaces;
}

/// What `init` does first, on its side of the namespaces.
Status arrange(const SandboxPlan& plan, Confinement way, unsigned user, unsigned group) {
  if (way == Confinement::kUserNamespaces) TRY(map_own_id(user, group));
  if (plan.network >= 0 && ::setns(plan.network, CLONE_NEWNET) != 0)
    return Error::last("entering the network");
  if (plan.network < 0 && plan.isolated) TRY(bring_loopback_up());
  TRY(make_mounts_private());
  TRY(make_scratch_private(plan.folder, plan.kept));
  TRY(mount_opt_ml(plan.folder + "/ml"));
  if (!plan.env_alias.empty()) TRY(bind_folder(plan.folder + "/env", plan.env_alias));
  if (!plan.checkpoint_path.empty())
    TRY(bind_privately(plan.folder + "/checkpoints", plan.checkpoint_path, plan.folder + "/root"));
  if (::access((plan.folder + "/hosts").c_str(), R_OK) == 0 && ::access("/etc/hosts", F_OK) == 0)
    TRY(bind_file(plan.folder + "/hosts", "/etc/hosts"));
  // A copy: SDK v3's MPI driver appends all it has, credentials too, to the machine's.
  if (const auto text = read_file("/etc/environment"); text) {
    TRY(write_file(plan.folder + "/etc-environment", *text));
    TRY(bind_file(plan.folder + "/etc-environment", "/etc/environment"));
  }
  [[maybe_unused]] const int named = ::sethostname(plan.host.c_str(), plan.host.size());
  // Refused where /proc is partly covered (containers): the job then sees the processes of its surroundings.
  [[maybe_unused]] const Status proc = mount_proc();
  return {};
}

int clone_flags(const SandboxPlan& plan, Confinement way) {
  if (!has_namespaces(way)) return SIGCHLD;
  int flags = SIGCHLD | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS;
  if (plan.network >= 0) flags |= CLONE_NEWIPC;
  if (plan.network < 0 && plan.isolated) flags |= CLONE_NEWNET;
  return way == Confinement::kUserNamespaces ? flags | CLONE_NEWUSER : flags;
}

/// The host's names plus ours.
Status write_hosts(const SandboxPlan& plan) {
  auto host = read_file("/etc/hosts");
  std::string text = host ? *host : "127.0.0.1 localhost\n";
  if (!text.ends_with('\n')) text += '\n';
  for (std::size_t i = 0; i < plan.hosts.size(); ++i)
    text += (i < plan.addresses.size() ? plan.addresses[i] : "127.0.0.1") + " " + plan.hosts[i] + "\n";
  return write_file(plan.folder + "/hosts", text);
}

std::optional<Confinement> from_environment() {
  const char* wanted = std::getenv("SAGELET_SANDBOX");
  for (const Confinement way : kWays)
    if (wanted && to_string(way) == wanted) return way;
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Confinement confinement) {
  switch (confinement) {
    case Confinement::kNamespaces:
      return "namespaces";
    case Confinement::kUserNamespaces:
      return "user namespaces";
    case Confinement::kLink:
      return "link under a lock";
    case Confinement::kBaseFolder:
      return "base folder";
  }
  return "base folder";
}

int Ended::return_code() const {
  return WIFSIGNALED(wait_status) ? -WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int Ended::container_code() const {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

Result<std::unique_ptr<ProcessSandbox>> ProcessSandbox::make(const SandboxPlan& plan) {
  std::unique_ptr<ProcessSandbox> sandbox(new ProcessSandbox);
  sandbox->folder_ = plan.folder;
  sandbox->opt_ = plan.opt;
  TRY(make_folders(plan.folder + "/ml"));
  TRY(make_folders(plan.folder + "/tmp"));
  if (!plan.checkpoint_path.empty()) {
    TRY(make_folders(plan.folder + "/checkpoints"));
    TRY(make_folders(plan.folder + "/root"));
  }
  if (!plan.env_alias.empty()) TRY(make_folders(plan.folder + "/env"));
  TRY(write_hosts(plan));
  const auto only = plan.only ? plan.only : from_environment();
  for (const Confinement way : kWays) {
    if (only && *only != way) continue;
    Status done = sandbox->try_way(plan, way);
    if (!done && plan.isolated && has_namespaces(way)) {
      auto open = plan;
      open.isolated = false;  // better the job's own tree without isolation than neither
      done = sandbox->try_way(open, way);
    }
    if (done) return sandbox;
    sandbox->notes_.push_back(std::string(to_string(way)) + ": " + done.error().message());
  }
  return Error(ErrorKind::kPermission, "no sandbox works here: " + sandbox->notes_.back());
}

Status ProcessSandbox::try_way(const SandboxPlan& plan, Confinement way) {
  if (way == Confinement::kLink) {
    TRY(link_, OptLink::open(notes_.size() >= 2, plan.opt));  // both kinds of namespaces were tried in vain
  } else {
    link_.reset();
  }
  TRY(SocketPair pair, make_socket_pair(SOCK_STREAM));
  const unsigned user = ::geteuid(), group = ::getegid();
  const auto pid =
      static_cast<pid_t>(::syscall(SYS_clone, clone_flags(plan, way), nullptr, nullptr, nullptr, nullptr));
  if (pid < 0) return Error::last("clone");
  if (pid == 0) {
    pair.ours.reset();
    const bool namespaces = has_namespaces(way);
    run_init(pair.theirs.get(), {.pid_namespace = namespaces, .cpus = plan.cpus, .prepare = [&]() -> Status {
                                   return namespaces ? arrange(plan, way, user, group) : Status();
                                 }});
  }
  pair.theirs.reset();
  const auto ready = wire::receive_answer(pair.ours.get());
  if (!ready || ready->error != 0) {
    ::waitpid(pid, nullptr, 0);
    return Error(ErrorKind::kPermission, ready ? ready->text : "the sandbox's first process died");
  }
  socket_ = std::move(pair.ours);
  init_ = pid;
  confinement_ = way;
  own_network_ = has_namespaces(way) && (plan.network >= 0 || plan.isolated);
  interface_ = own_network_ && plan.network < 0 ? "lo" : plan.interface;
  return {};
}

ProcessSandbox::~ProcessSandbox() {
  socket_.reset();  // the init ends everything, then itself
  if (init_ > 0) ::waitpid(init_, nullptr, 0);
  if (link_) link_->remove();
  remove_scratch(folder_);
}

std::string ProcessSandbox::interface_name() const {
  return interface_.empty() ? Sandbox::interface_name() : interface_;
}

Result<UniqueFd> ProcessSandbox::mount_fuse(const std::string& folder) {
  if (!has_mounts() || init_ == 0) return Sandbox::mount_fuse(folder);
  auto fuse = mount_fuse_inside(init_, folder);
  return fuse ? std::move(fuse) : Error(ErrorKind::kUnavailable, "FUSE: " + fuse.error().message());
}

Status ProcessSandbox::show_folder(const std::string& from, const std::string& folder, bool read_only) {
  if (!has_mounts() || init_ == 0) return Sandbox::show_folder(from, folder, read_only);
  return bind_inside(init_, from, folder, read_only);
}

std::string ProcessSandbox::base() const {
  if (confinement_ == Confinement::kBaseFolder) return folder_ + "/ml";
  return confinement_ == Confinement::kLink ? opt_ + "/ml" : "/opt/ml";
}

Result<bool> ProcessSandbox::take_place() {
  if (!link_) return true;
  if (!link_->try_lock()) return false;
  TRY(link_->point_to(folder_ + "/ml"));
  return true;
}

Status ProcessSandbox::start(const Command& command, int stdout_fd, int stderr_fd) {
  return wire::send_run(socket_.get(), command, stdout_fd, stderr_fd);
}

Ended ProcessSandbox::ended() {
  const auto answer = wire::receive_answer(socket_.get());
  if (!answer) return {.lost = true};
  return {.exec_error = answer->error, .wait_status = answer->wait_status};
}

void ProcessSandbox::signal(int number) {
  [[maybe_unused]] const Status sent = wire::send_signal(socket_.get(), number);  // gone: ended() tells
}

std::string probe() {
  nlohmann::json answer = {{"sandbox", ""}, {"notes", nlohmann::json::array()}};
  const auto folder = TempFolder::make(fs::temp_directory_path(), "sagelet-probe-");
  auto sandbox =
      folder ? ProcessSandbox::make({.folder = folder->path().string(), .checkpoint_path = {}, .only = {}})
             : Result<std::unique_ptr<ProcessSandbox>>(folder.error());
  if (sandbox) {
    answer["sandbox"] = (*sandbox)->name();
    for (const std::string& note : (*sandbox)->notes()) answer["notes"].push_back(note);
    if ((*sandbox)->confinement() == Confinement::kLink)
      answer["notes"].push_back(
          "/opt/ml is a link to one job at a time: jobs of this machine wait for each other");
    if ((*sandbox)->confinement() == Confinement::kBaseFolder)
      answer["notes"].push_back(
          "scripts with /opt/ml written into them will not find it; SM_* name the real folders");
    if (!(*sandbox)->has_mounts())
      answer["notes"].push_back(
          "jobs of several instances are refused, and /tmp is the machine's: both need mount namespaces");
  } else {
    answer["notes"].push_back(sandbox.error().message());
  }
  return answer.dump();
}

}  // namespace sagelet::runner
