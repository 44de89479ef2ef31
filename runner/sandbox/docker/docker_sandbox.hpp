#pragma once
// The sandbox that is a container of the docker engine: made while inputs download, started, followed to its
// true end and removed. docs/design/docker-sandbox.md says what happens when the engine or we are killed.
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/child.hpp"
#include "client/docker.hpp"
#include "runner/progress.hpp"
#include "runner/sandbox/docker/log_lines.hpp"
#include "runner/sandbox/docker/relay.hpp"
#include "runner/sandbox/docker/settings.hpp"
#include "runner/sandbox/enter.hpp"
#include "runner/sandbox/sandbox.hpp"
#include "runner/spec.hpp"
#include "runner/stop.hpp"

namespace sagelet::runner {

/// Each of its threads has an Engine of its own: one prepares, then follows the container; the main thread
/// sends signals and removes. Lines that it writes to the command's stdout begin with their time,
/// "<milliseconds> ".
class DockerSandbox final : public Sandbox {
 public:
  /// Begins to make network, relay and container.
  static Result<std::unique_ptr<Sandbox>> make(const JobSpec& spec);
  /// The container of a runner that was killed. What cannot be found is an error of get_ready().
  static Result<std::unique_ptr<Sandbox>> find(const JobSpec& spec, const Progress& progress);
  /// Removes the container, and the network when nobody uses it.
  ~DockerSandbox() override;

  std::string name() const override { return "docker"; }
  std::string base() const override { return "/opt/ml"; }
  Status get_ready(const StopSignal& stop) override;
  /// The image's program with the spec's entrypoint and arguments; `command` says nothing that it does not
  /// know.
  Status start(const Command& command, int stdout_fd, int stderr_fd) override;
  int fd() const override { return done_.get(); }
  Ended ended() override { return ended_; }
  void signal(int number) override;
  std::string interface_name() const override;
  /// On our side of the container's folder, where the engine takes it along; no longer than until the start.
  Result<UniqueFd> mount_fuse(const std::string& folder) override;
  /// The engine mounts it, as settings.cpp says.
  Status show_folder(const std::string&, const std::string&, bool) override { return {}; }
  bool is_container() const override { return true; }
  pid_t first_process() const override { return first_process_; }
  std::string note_for_the_next() const override;
  const std::vector<std::string>& notes() const override { return notes_; }

 private:
  explicit DockerSandbox(const JobSpec& spec);

  void begin(Status (DockerSandbox::*first)());
  Status recall(const std::string& note);

  // the preparing thread
  Status prepare();
  Status find_again();
  Status make_container();
  Status find_image();
  Status wire_up();
  Status join_own_network();
  void open_relay(int port = 0);
  Status create();

  // the following thread
  void follow();
  Status follow_logs();
  Status follow_what_is_missing();
  bool engine_is_back();
  Result<Ended> look_at_end();
  bool was_ended_by_engine(const client::ContainerState& state);
  void own_files();
  void say_what_may_be_missing();

  Result<bool> start_or_refuse();
  Status make_startable();
  Status start_container();
  Ended refused(const Error& error);
  void remove_everything();

  const JobSpec spec_;
  client::Engine engine_;  ///< of the preparing, then the following thread
  client::Engine control_;
  client::ImageInfo image_;
  Wiring wiring_;
  std::unique_ptr<Relay> relay_;
  std::string id_;
  std::vector<std::string> notes_;
  std::vector<KeptMount> mounts_;  ///< of the time before the start

  std::thread preparing_, following_;
  Status prepared_;
  UniqueFd prepared_now_;  ///< readable when prepared_ is decided
  UniqueFd done_, out_;
  std::unique_ptr<LogLines> lines_;
  Ended ended_;

  std::mutex mutex_;
  int missed_signal_ = 0;  ///< asked for while the engine was away
  std::atomic<bool> signalled_{false}, leaving_{false};
  std::atomic<pid_t> first_process_{0};
  std::atomic<bool> unwanted_{false};  ///< before the start: do not wait for the engine any more
  std::optional<ProcessId> engine_process_;
  bool engine_was_away_ = false, engine_shut_down_ = false;
  int relay_port_ = 0;           ///< of that runner; 0: none
  bool found_ = false;           ///< a runner before us has started it
  bool engine_changed_ = false;  ///< since that runner's start, and nobody saw it
  std::int64_t engine_back_ms_ = 0;
  bool ended_unseen_ = false;  ///< when the engine was back, the program was at its end
};

}  // namespace sagelet::runner
