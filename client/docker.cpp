#include "client/docker.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/digest.hpp"
#include "client/docker_orphans.hpp"
#include "fmt/format.h"

namespace sagelet::client {

using nlohmann::json;

namespace {

constexpr std::chrono::milliseconds kForEver{std::chrono::hours(24 * 365 * 10)};
constexpr std::size_t kHead = 8;
constexpr std::size_t kLongestFrame = 16u << 20;

bool is_socket(const std::string& path) {
  struct stat about;
  return ::stat(path.c_str(), &about) == 0 && S_ISSOCK(about.st_mode);
}

/// As a part of a path or a query.
std::string escaped(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~')
      out += static_cast<char>(c);
    else
      out += fmt::format("%{:02X}", c);
  }
  return out;
}

/// Images keep their slashes: the engine's router wants them so.
std::string escaped_image(std::string_view name) {
  std::string out;
  for (const char c : name) out += c == '/' || c == ':' || c == '@' ? std::string(1, c) : escaped({&c, 1});
  return out;
}

std::string filters(const json& wanted) {
  return "filters=" + escaped(wanted.dump());
}

ErrorKind kind_of(int status) {
  switch (status) {
    case 400:
      return ErrorKind::kInvalid;
    case 403:
      return ErrorKind::kPermission;
    case 404:
      return ErrorKind::kNotFound;
    case 409:
      return ErrorKind::kConflict;
    default:
      return ErrorKind::kInternal;
  }
}

/// {"message": "..."}, podman: {"cause": ..., "message": ...}.
Error refusal(const Response& response) {
  const auto body = json::parse(response.body, nullptr, false);
  const auto said = body.is_object() ? body.value("message", std::string()) : response.body;
  return Error(kind_of(response.status), said.empty() ? fmt::format("status {}", response.status) : said);
}

std::string text_of(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool flag_of(const json& object, const char* name) {
  if (!object.is_object()) return false;
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

int number_of(const json& object, const char* name) {
  if (!object.is_object()) return 0;
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
}

bool has_items(const json& object, const char* name) {
  if (!object.is_object()) return false;
  const auto found = object.find(name);
  return found != object.end() && found->is_array() && !found->empty();
}

const json& member(const json& object, const char* name) {
  static const json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found != object.end() ? *found : none;
}

NetworkInfo to_network(const json& answer) {
  NetworkInfo out{.id = text_of(answer, "Id"), .gateway = {}, .bridge = {}};
  const auto& ranges = member(member(answer, "IPAM"), "Config");
  for (const auto& range : ranges.is_array() ? ranges : json::array())
    if (const auto gateway = text_of(range, "Gateway"); gateway.find('.') != gateway.npos)
      out.gateway = gateway.substr(0, gateway.find('/'));
  out.bridge = text_of(member(answer, "Options"), "com.docker.network.bridge.name");
  return out;
}

int signal_number(const json& attributes) {
  const auto text = text_of(attributes, "signal");
  return text.empty() ? 0 : std::atoi(text.c_str());
}

}  // namespace

std::string engine_socket() {
  if (const char* host = std::getenv("DOCKER_HOST"); host && *host) {
    const std::string_view named(host);
    return named.starts_with("unix://") ? std::string(named.substr(7)) : std::string();
  }
  const char* own = std::getenv("XDG_RUNTIME_DIR");
  for (const std::string& path :
       {std::string("/var/run/docker.sock"), own ? std::string(own) + "/docker.sock" : std::string(),
        std::string("/run/podman/podman.sock"),
        own ? std::string(own) + "/podman/podman.sock" : std::string()})
    if (!path.empty() && is_socket(path)) return path;
  return {};
}

std::string registry_auth(const Login& login) {
  const json said = {{"username", login.user}, {"password", login.password}};
  std::string out = to_base64(said.dump(-1, ' ', false, json::error_handler_t::replace));
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  return out;
}

Result<Response> Engine::send(Request request) {
  if (socket_.empty())
    return Error(
        ErrorKind::kUnavailable,
        "there is no docker engine: neither DOCKER_HOST (unix://...) nor a socket of docker or podman");
  request.url.insert(0, "http://docker");
  request.unix_socket = socket_;
  request.cancelled = cancelled_;
  auto response = http_.send(request);
  if (!response) return std::move(response).error().context("the docker engine at " + socket_);
  if (response->status >= 400) return refusal(*response);
  return response;
}

Result<json> Engine::call(std::string method, std::string path, const json* body) {
  Request request{.method = std::move(method), .url = std::move(path)};
  request.idle_timeout = timeout_;
  if (body) {
    request.headers = {{"Content-Type", "application/json"}};
    request.body = body->dump(-1, ' ', false, json::error_handler_t::replace);
  }
  TRY(const Response response, send(std::move(request)));
  if (response.body.empty()) return json();
  auto parsed = json::parse(response.body, nullptr, false);
  if (parsed.is_discarded()) return Error(ErrorKind::kInternal, "the engine's answer is not JSON");
  return parsed;
}

Status Engine::act(std::string method, std::string path) {
  Request request{.method = std::move(method), .url = std::move(path)};
  request.idle_timeout = timeout_;
  TRY([[maybe_unused]] const Response response, send(std::move(request)));
  return {};
}

Status Engine::ping() {
  return act("GET", "/_ping");
}

Result<EngineInfo> Engine::info() {
  TRY(const json answer, call("GET", "/info"));
  EngineInfo out;
  out.version = text_of(answer, "ServerVersion");
  out.os = text_of(answer, "OSType");
  out.architecture = text_of(answer, "Architecture");
  out.kernel = text_of(answer, "KernelVersion");
  out.live_restore = flag_of(answer, "LiveRestoreEnabled");
  out.podman = text_of(answer, "ProductLicense") == "Apache-2.0" || answer.contains("BuildahVersion");
  out.gpus = member(answer, "Runtimes").contains("nvidia");
  const auto& options = member(answer, "SecurityOptions");
  for (const auto& option : options.is_array() ? options : json::array())
    if (option.is_string() && option.get<std::string>().find("rootless") != std::string::npos)
      out.rootless = true;
  return out;
}

Result<ImageInfo> Engine::image(std::string_view name) {
  TRY(const json answer, call("GET", fmt::format("/images/{}/json", escaped_image(name))));
  const auto& config = member(answer, "Config");
  ImageInfo out;
  out.id = text_of(answer, "Id");
  out.os = text_of(answer, "Os");
  out.architecture = text_of(answer, "Architecture");
  out.user = text_of(config, "User");
  out.has_entrypoint = has_items(config, "Entrypoint");
  out.has_command = has_items(config, "Cmd");
  return out;
}

/// The answer is a stream of JSON lines; a failure is one of them.
Status Engine::pull(std::string_view name, const std::optional<Login>& login) {
  std::string lines;
  Request request{.method = "POST", .url = "/images/create?fromImage=" + escaped(name)};
  if (login) request.headers = {{"X-Registry-Auth", registry_auth(*login)}};
  request.idle_timeout = kForEver;
  request.download = [&](std::string_view bytes) -> Status {
    lines += bytes;
    return {};
  };
  TRY([[maybe_unused]] const Response response, send(std::move(request)));
  for (std::size_t at = 0; at < lines.size();) {
    const auto end = std::min(lines.find('\n', at), lines.size());
    const auto line = json::parse(lines.begin() + static_cast<std::ptrdiff_t>(at),
                                  lines.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (const auto failed = text_of(line, "error"); !failed.empty())
      return Error(ErrorKind::kInvalid, fmt::format("pulling {}: {}", name, failed));
    at = end + 1;
  }
  return {};
}

Result<std::string> Engine::create(std::string_view name, const json& settings) {
  TRY(const json answer, call("POST", "/containers/create?name=" + escaped(name), &settings));
  const auto id = text_of(answer, "Id");
  if (id.empty()) return Error(ErrorKind::kInternal, "the engine made a container without an id");
  return id;
}

Status Engine::start(std::string_view id) {
  return act("POST", fmt::format("/containers/{}/start", id));
}

Status Engine::signal(std::string_view id, int number) {
  return act("POST", fmt::format("/containers/{}/kill?signal={}", id, number));
}

Result<ContainerState> Engine::inspect(std::string_view id) {
  TRY(const json answer, call("GET", fmt::format("/containers/{}/json", id)));
  const auto& state = member(answer, "State");
  ContainerState out;
  out.status = text_of(state, "Status");
  out.running = flag_of(state, "Running");
  out.oom_killed = flag_of(state, "OOMKilled");
  out.exit_code = number_of(state, "ExitCode");
  out.pid = number_of(state, "Pid");
  out.error = text_of(state, "Error");
  out.finished_at = text_of(state, "FinishedAt");
  const auto& networks = member(member(answer, "NetworkSettings"), "Networks");
  for (const auto& network : networks.is_object() ? networks : json::object())
    if (const auto address = text_of(network, "IPAddress"); !address.empty()) out.address = address;
  return out;
}

Status Engine::wait(std::string_view id) {
  Request request{.method = "POST", .url = fmt::format("/containers/{}/wait?condition=not-running", id)};
  request.idle_timeout = kForEver;
  TRY([[maybe_unused]] const Response response, send(std::move(request)));
  return {};
}

Status Engine::remove(std::string_view id) {
  Status done = act("DELETE", fmt::format("/containers/{}?force=1&v=1", id));
  if (!done && done.error().is(ErrorKind::kNotFound)) return {};
  return done;
}

Result<std::vector<std::string>> Engine::labelled(std::string_view label) {
  TRY(const json answer, call("GET", "/containers/json?all=1&" + filters({{"label", {std::string(label)}}})));
  std::vector<std::string> out;
  for (const auto& container : answer.is_array() ? answer : json::array())
    out.push_back(text_of(container, "Id"));
  return out;
}

Status Engine::logs(std::string_view id, const std::function<Status(const LogEntry&)>& sink) {
  return read_logs(id, "follow=1", kForEver, sink);
}

Status Engine::newest_log(std::string_view id, const std::function<Status(const LogEntry&)>& sink) {
  return read_logs(id, "tail=1", timeout_, sink);
}

Status Engine::read_logs(std::string_view id, std::string_view which, std::chrono::milliseconds idle_timeout,
                         const std::function<Status(const LogEntry&)>& sink) {
  Request request{.url = fmt::format("/containers/{}/logs?{}&stdout=1&stderr=1&timestamps=1", id, which)};
  request.idle_timeout = idle_timeout;
  LogFrames frames;
  request.download = [&](std::string_view bytes) { return frames.feed(bytes, sink); };
  TRY([[maybe_unused]] const Response response, send(std::move(request)));
  return {};
}

Result<std::vector<int>> Engine::signals_sent_to(std::string_view id) {
  std::string lines;
  // Until now, to the nanosecond: the engine sends what it remembers and closes.
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  Request request{.url =
                      fmt::format("/events?since=1&until={}.{:09}&{}", now / 1000000000, now % 1000000000,
                                  filters({{"container", {std::string(id)}}, {"event", {"kill", "start"}}}))};
  request.idle_timeout = timeout_;
  TRY(const Response response, send(std::move(request)));
  std::vector<int> out;
  for (std::size_t at = 0; at < response.body.size();) {
    const auto end = std::min(response.body.find('\n', at), response.body.size());
    const auto event = json::parse(response.body.substr(at, end - at), nullptr, false);
    at = end + 1;
    const auto action = text_of(event, "Action");
    if (action == "start") out.clear();
    if (action == "kill") out.push_back(signal_number(member(member(event, "Actor"), "Attributes")));
  }
  return out;
}

Result<NetworkInfo> Engine::create_network(std::string_view name, std::string_view label, bool internal) {
  const auto equals = label.find('=');
  json settings = {{"Name", name},
                   {"CheckDuplicate", true},
                   {"Driver", "bridge"},
                   {"Internal", internal},
                   {"Labels", {{std::string(label.substr(0, equals)), label.substr(equals + 1)}}}};
  // Else the host is on it, with all that listens on any of its addresses.
  if (internal) settings["Options"] = {{"com.docker.network.bridge.inhibit_ipv4", "true"}};
  TRY([[maybe_unused]] const json answer, call("POST", "/networks/create", &settings));
  return network(name);
}

Result<NetworkInfo> Engine::network(std::string_view name) {
  TRY(const json answer, call("GET", "/networks/" + escaped(name)));
  return to_network(answer);
}

Result<std::vector<std::string>> Engine::networks_labelled(std::string_view label) {
  TRY(const json answer, call("GET", "/networks?" + filters({{"label", {std::string(label)}}})));
  std::vector<std::string> out;
  for (const auto& network : answer.is_array() ? answer : json::array())
    out.push_back(text_of(network, "Id"));
  return out;
}

Status Engine::remove_network(std::string_view id) {
  Status done = act("DELETE", "/networks/" + escaped(id));
  if (!done && done.error().is(ErrorKind::kNotFound)) return {};
  return done;
}

Status remove_labelled(const std::string& socket, std::string_view label, std::chrono::milliseconds quiet) {
  Engine engine(socket);
  engine.set_timeout(std::chrono::seconds(20));
  std::vector<std::string> removed;
  for (bool again = true; again;) {
    TRY(const auto containers, engine.labelled(label));
    for (const auto& id : containers) {
      TRY(engine.remove(id));
      removed.push_back(id);
    }
    TRY(const auto networks, engine.networks_labelled(label));
    for (const auto& id : networks) TRY(engine.remove_network(id));
    std::this_thread::sleep_for(quiet);
    TRY(const auto left, engine.labelled(label));
    again = !left.empty();
  }
  end_orphans(removed);
  return {};
}

Status LogFrames::feed(std::string_view bytes, const std::function<Status(const LogEntry&)>& sink) {
  rest_ += bytes;
  std::size_t at = 0;
  while (rest_.size() - at >= kHead) {
    const auto byte = [&](std::size_t i) {
      return static_cast<std::size_t>(static_cast<unsigned char>(rest_[at + i]));
    };
    const std::size_t length = byte(4) << 24 | byte(5) << 16 | byte(6) << 8 | byte(7);
    if (byte(0) > 2 || length > kLongestFrame)
      return Error(ErrorKind::kCorrupt, "not a log frame of the engine");
    if (rest_.size() - at - kHead < length) break;
    const auto payload = std::string_view(rest_).substr(at + kHead, length);
    const auto blank = std::min(payload.find(' '), payload.size());
    const LogEntry entry{.stream = byte(0) == 2 ? LogEntry::kErr : LogEntry::kOut,
                         .stamp = payload.substr(0, blank),
                         .text = payload.substr(std::min(blank + 1, payload.size()))};
    TRY(sink(entry));
    at += kHead + length;
  }
  rest_.erase(0, at);
  return {};
}

}  // namespace sagelet::client
