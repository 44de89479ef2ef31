#pragma once
// The docker engine, or podman's socket that speaks like it, over its unix socket. No command line program is
// used. Not thread-safe: one Engine a thread. Source: Docker Engine API 1.41; podman's compatible API.
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/http.hpp"

namespace sagelet::client {

/// Where an engine listens: DOCKER_HOST (unix:// only), else the first that exists of docker's socket,
/// podman's and the user's own podman's. Empty: there is none.
std::string engine_socket();

struct EngineInfo {
  std::string version, os, architecture, kernel;
  bool live_restore = false;  ///< containers go on while the engine is away
  bool rootless = false;      ///< root in a container is the engine's user
  bool podman = false;
  bool gpus = false;  ///< it knows NVIDIA's runtime
};

struct ImageInfo {
  std::string id, os, architecture, user;
  bool has_entrypoint = false, has_command = false;
};

struct ContainerState {
  std::string status;  ///< created, running, exited, ...
  bool running = false, oom_killed = false;
  int exit_code = 0, pid = 0;
  std::string error;        ///< the engine's, when it could not start it
  std::string address;      ///< in its network; empty while it does not run
  std::string finished_at;  ///< RFC 3339
};

struct NetworkInfo {
  std::string id;
  std::string
      gateway;  ///< the host's address on it; empty when there is none, or (Docker 20.10) it made the bridge
  std::string bridge;  ///< the host's interface, where the engine names it
};

/// Of a registry, for the engine to use once.
struct Login {
  std::string user, password;
};
/// The text of X-Registry-Auth: base64 of JSON, in the alphabet of URLs.
std::string registry_auth(const Login& login);

/// What a container wrote, as the engine logged it: a line, or a part of a long one (then it has no newline).
struct LogEntry {
  enum Stream { kOut = 1, kErr = 2 };
  Stream stream = kOut;
  std::string_view stamp;  ///< RFC 3339 with nanoseconds
  std::string_view text;
};

/// Errors: kUnavailable when no engine answers or the connection broke, kNotFound, kConflict (a name that is
/// taken, a container that does not run), kInvalid and kInternal with the engine's own words.
class Engine {
 public:
  explicit Engine(std::string socket) : socket_(std::move(socket)) {}
  const std::string& socket() const { return socket_; }
  /// A call that was not answered after so long is kTimeout. Does not hold for logs, wait and pull.
  void set_timeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }
  /// Asked about once a second while a call waits; true ends it.
  void set_cancelled(std::function<bool()> cancelled) { cancelled_ = std::move(cancelled); }

  Status ping();
  Result<EngineInfo> info();
  Result<ImageInfo> image(std::string_view name);
  /// Without a login: from a registry that needs none.
  Status pull(std::string_view name, const std::optional<Login>& login = {});

  /// `settings`: the body of /containers/create. Gives the id.
  Result<std::string> create(std::string_view name, const nlohmann::json& settings);
  Status start(std::string_view id);
  Status signal(std::string_view id, int number);
  Result<ContainerState> inspect(std::string_view id);
  /// Returns when the container does not run.
  Status wait(std::string_view id);
  /// With its anonymous volumes, running or not. A missing one is fine.
  Status remove(std::string_view id);
  /// Ids of the containers, running or not, with the label "name=value".
  Result<std::vector<std::string>> labelled(std::string_view label);
  /// All entries from the start to the container's end, in order. An error of `sink` ends it.
  Status logs(std::string_view id, const std::function<Status(const LogEntry&)>& sink);
  /// The newest entry there is now, if there is any.
  Status newest_log(std::string_view id, const std::function<Status(const LogEntry&)>& sink);
  /// Numbers of the signals that were sent to the container through the engine since it was started last.
  Result<std::vector<int>> signals_sent_to(std::string_view id);

  /// `internal`: no way out of it, nor to this host. kConflict: there is one of this name already (not every
  /// engine says so).
  Result<NetworkInfo> create_network(std::string_view name, std::string_view label, bool internal);
  Result<NetworkInfo> network(std::string_view name);
  Result<std::vector<std::string>> networks_labelled(std::string_view label);
  /// kConflict or kPermission while containers use it. A missing one is fine.
  Status remove_network(std::string_view id);

 private:
  Result<Response> send(Request request);
  Result<nlohmann::json> call(std::string method, std::string path, const nlohmann::json* body = nullptr);
  Status act(std::string method, std::string path);
  Status read_logs(std::string_view id, std::string_view which, std::chrono::milliseconds idle_timeout,
                   const std::function<Status(const LogEntry&)>& sink);

  std::string socket_;
  std::chrono::milliseconds timeout_{60000};
  std::function<bool()> cancelled_;
  Http http_;
};

/// Removes all containers and networks with the label "name=value"; looks again until a look, `quiet` after
/// the last removal, finds none: a call that a killed client had under way may still make one.
Status remove_labelled(const std::string& socket, std::string_view label,
                       std::chrono::milliseconds quiet = std::chrono::milliseconds(300));

/// Cuts a log stream of the engine into entries; the frames' heads have 8 bytes.
class LogFrames {
 public:
  Status feed(std::string_view bytes, const std::function<Status(const LogEntry&)>& sink);

 private:
  std::string rest_;
};

}  // namespace sagelet::client
