#include "runner/sandbox/docker/docker_sandbox.hpp"

#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/crash_point.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "client/docker_orphans.hpp"
#include "client/docker_own_files.hpp"
#include "fmt/format.h"
#include "runner/sandbox/docker/network.hpp"

namespace sagelet::runner {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 120s;  ///< with an engine that is away
constexpr auto kLook = 50ms;
constexpr int kUnknownCode = 255;  ///< what an engine that was away writes when nobody has told it the code

std::string machine_architecture() {
  utsname about;
  if (::uname(&about) != 0) return {};
  const std::string machine = about.machine;
  if (machine == "x86_64") return "amd64";
  return machine == "aarch64" ? "arm64" : machine;
}

/// The kernel runs programs of other processors where an interpreter is registered for them.
bool is_emulated(const std::string& architecture) {
  const std::string name = architecture == "amd64"   ? "x86_64"
                           : architecture == "arm64" ? "aarch64"
                                                     : architecture;
  return ::access(("/proc/sys/fs/binfmt_misc/qemu-" + name).c_str(), F_OK) == 0;
}

/// Who listens on the socket; nullopt when it cannot be told (another PID namespace, a socket of systemd's).
std::optional<ProcessId> process_behind(const std::string& socket) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX};
  socket.copy(address.sun_path, sizeof address.sun_path - 1);
  ucred peer{};
  socklen_t length = sizeof peer;
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.pid <= 1)
    return std::nullopt;
  return ProcessId::of(peer.pid);
}

/// One that runs in a virtual machine does not, whatever its socket looks like.
bool runs_on_our_kernel(const client::EngineInfo& info) {
  utsname about;
  return ::uname(&about) == 0 && info.kernel == about.release;
}

bool is_root_user(const std::string& user) {
  const std::string name = user.substr(0, user.find(':'));
  return name.empty() || name == "root" || name == "0";
}

/// Never follows a link, for a job may leave one to anywhere, nor enters a mount.
void for_each_entry(const std::string& folder, const std::function<void(const FTSENT&)>& visit) {
  std::string path = folder;
  char* paths[] = {path.data(), nullptr};
  FTS* walk = ::fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, nullptr);
  if (walk == nullptr) return;
  while (const FTSENT* entry = ::fts_read(walk))
    if (entry->fts_info != FTS_DP && entry->fts_info != FTS_NS) visit(*entry);
  ::fts_close(walk);
}

std::string target_of(const std::string& folder, const std::string& fallback) {
  std::string url = fallback;
  if (const auto text = read_file(folder + "/spec.json"))
    if (const auto spec = JobSpec::from_json(*text)) url = spec->server_url;
  const auto host = url.find("://");
  url = host == url.npos ? url : url.substr(host + 3);
  return url.substr(0, url.find('/'));
}

}  // namespace

DockerSandbox::DockerSandbox(const JobSpec& spec)
    : spec_(with_image_at_server(spec)),
      engine_(spec.docker_socket.empty() ? client::engine_socket() : spec.docker_socket),
      control_(engine_.socket()),
      prepared_now_(::eventfd(0, EFD_CLOEXEC)),
      done_(::eventfd(0, EFD_CLOEXEC)) {
  engine_.set_cancelled([this] { return leaving_.load(); });
  control_.set_timeout(20s);
}

Result<std::unique_ptr<Sandbox>> DockerSandbox::make(const JobSpec& spec) {
  std::unique_ptr<DockerSandbox> sandbox(new DockerSandbox(spec));
  TRY(make_folders(spec.folder + "/ml"));
  TRY(make_folders(spec.folder + "/checkpoints"));
  // Before anything exists: whoever finds our folder knows where to look for what we left.
  TRY(write_file(spec.folder + "/engine", sandbox->engine_.socket()));
  sandbox->begin(&DockerSandbox::prepare);
  return std::unique_ptr<Sandbox>(std::move(sandbox));
}

Result<std::unique_ptr<Sandbox>> DockerSandbox::find(const JobSpec& spec, const Progress& progress) {
  std::unique_ptr<DockerSandbox> sandbox(new DockerSandbox(spec));
  TRY(sandbox->id_, read_file(spec.folder + "/container", 4096));
  TRY(sandbox->recall(progress.sandbox));
  sandbox->found_ = true;
  sandbox->signalled_ = progress.why != 0;
  sandbox->begin(&DockerSandbox::find_again);
  return std::unique_ptr<Sandbox>(std::move(sandbox));
}

void DockerSandbox::begin(Status (DockerSandbox::*first)()) {
  preparing_ = std::thread([this, first] {
    prepared_ = (this->*first)();
    ::eventfd_write(prepared_now_.get(), 1);
  });
}

// ---- from one runner to the next

std::string DockerSandbox::note_for_the_next() const {
  return nlohmann::json{
      {"network", wiring_.network},
      {"own_network", wiring_.own_network},
      {"gateway", wiring_.gateway},
      {"port", relay_ ? relay_->port() : 0},
      {"engine",
       {engine_process_ ? engine_process_->pid : 0, engine_process_ ? engine_process_->start_time : 0}}}
      .dump();
}

Status DockerSandbox::recall(const std::string& note) {
  const auto about = nlohmann::json::parse(note, nullptr, false);
  try {
    about.at("network").get_to(wiring_.network);
    about.at("own_network").get_to(wiring_.own_network);
    about.at("gateway").get_to(wiring_.gateway);
    relay_port_ = about.at("port");
    engine_process_ = {.pid = about.at("engine").at(0), .start_time = about.at("engine").at(1)};
  } catch (const nlohmann::json::exception& bad) {
    return Error(ErrorKind::kInvalid, std::string("progress.json: ") + bad.what());
  }
  if (engine_process_->pid == 0) engine_process_.reset();
  return {};
}

/// It may have ended meanwhile, and its engine too.
Status DockerSandbox::find_again() {
  const auto before = engine_process_;
  auto state = engine_.inspect(id_);
  while (!state && state.error().is(ErrorKind::kUnavailable) && engine_is_back())
    state = engine_.inspect(id_);
  if (!state) return std::move(state).error().context("the container of the runner before us");
  engine_process_ = process_behind(engine_.socket());
  engine_changed_ =
      before && engine_process_ &&
      (before->pid != engine_process_->pid || before->start_time != engine_process_->start_time);
  engine_was_away_ = engine_was_away_ || engine_changed_;
  if (engine_changed_) engine_back_ms_ = to_millis(SystemClock().now());
  log::info("taken up: container {}, {}", id_.substr(0, 12), state->status);
  if (relay_port_ != 0) open_relay(relay_port_);
  if (state->status != "created") return {};
  // The runner before us died on the way to its start. Not so when the engine did: see start_container().
  if (engine_was_away_) return Error(ErrorKind::kInternal, "the container was never started");
  found_ = false;
  return find_image();
}

// ---- before it runs

/// An engine that goes away meanwhile has lost nothing of ours yet: once it is back we begin again.
Status DockerSandbox::prepare() {
  engine_process_ = process_behind(engine_.socket());
  Status done = make_container();
  while (!done && done.error().is(ErrorKind::kUnavailable) && !engine_.socket().empty() && engine_is_back()) {
    log::info("the engine was away: {}", done.error().message());
    done = make_container();
  }
  engine_was_away_ = engine_shut_down_ = false;  // for the container it does not count
  return done;
}

Status DockerSandbox::make_container() {
  notes_.clear();
  TRY(find_image());
  TRY(wire_up());
  return create();
}

Status DockerSandbox::find_image() {
  auto found = engine_.image(spec_.docker_image);
  if (!found && found.error().is(ErrorKind::kNotFound)) {
    TRY(engine_.pull(spec_.docker_image, registry_login(spec_)));
    found = engine_.image(spec_.docker_image);
  }
  if (!found) return std::move(found).error().context("the image " + spec_.docker_image);
  image_ = std::move(*found);
  const auto own = machine_architecture();
  if (image_.os == "linux" &&
      (image_.architecture == own || image_.architecture.empty() || is_emulated(image_.architecture)))
    return {};
  return Error(
      ErrorKind::kInvalid,
      fmt::format("the image {} is for {}/{}, this machine is linux/{}: build it with --platform linux/{}",
                  spec_.docker_image, image_.os, image_.architecture, own, own));
}

Status DockerSandbox::wire_up() {
  if (spec_.gpus > 0) {
    TRY(const auto info, engine_.info());
    wiring_.gpus = info.gpus;
    if (!info.gpus) notes_.push_back("the engine has no NVIDIA runtime: the container gets no GPU");
  }
  if (spec_.hosts.size() > 1) {
    TRY(join_own_network());
  } else if (spec_.network_isolation) {
    wiring_.network = "none";
  } else {
    wiring_.network = "bridge";
    auto network = engine_.network("bridge");
    if (!network && network.error().is(ErrorKind::kNotFound)) network = engine_.network("podman");
    if (network) wiring_.gateway = host_address(*network);
  }
  if (!spec_.network_isolation) open_relay();
  return {};
}

Status DockerSandbox::join_own_network() {
  TRY(const auto network, shared_network(engine_, spec_));
  wiring_.network = engine_name(spec_, true);
  wiring_.own_network = true;
  wiring_.gateway = spec_.network_isolation ? std::string() : host_address(network);
  return {};
}

void DockerSandbox::open_relay(int port) {
  auto relay = Relay::start(
      wiring_.gateway, [folder = spec_.folder, url = spec_.server_url] { return target_of(folder, url); },
      port);
  if (relay) {
    relay_ = std::move(*relay);
    wiring_.server_url = fmt::format("http://host.docker.internal:{}", relay_->port());
  } else {
    notes_.push_back("the container cannot reach the server: " + relay.error().message());
  }
}

Status DockerSandbox::create() {
  crash_point("runner-before-container");
  const auto name = engine_name(spec_);
  auto id = engine_.create(name, container_settings(spec_, wiring_));
  if (!id && id.error().is(ErrorKind::kConflict)) {  // of a runner before us
    TRY(engine_.remove(name));
    id = engine_.create(name, container_settings(spec_, wiring_));
  }
  TRY(id_, std::move(id));
  TRY(write_file(spec_.folder + "/container", id_));
  crash_point("runner-after-container");
  return {};
}

Status DockerSandbox::get_ready(const StopSignal& stop) {
  pollfd either[] = {{prepared_now_.get(), POLLIN, 0}, {stop.fd(), POLLIN, 0}};
  while (::poll(either, 2, -1) < 0 && errno == EINTR) {
  }
  unwanted_ = stop.requested();
  if (preparing_.joinable()) preparing_.join();
  if (!prepared_ && unwanted_) return Error(ErrorKind::kCancelled, "stopped");
  return prepared_;
}

Result<UniqueFd> DockerSandbox::mount_fuse(const std::string& folder) {
  client::Engine engine(engine_.socket());  // the other two have threads of their own
  TRY(const auto info, engine.info());
  const auto process = process_behind(engine.socket());
  if (!process || !runs_on_our_kernel(info))
    return Error(ErrorKind::kUnavailable, "the engine's mounts are not within reach");
  auto mount = KeptMount::make(process->pid, spec_.folder + "/ml" + folder.substr(base().size()));
  if (!mount) return Error(ErrorKind::kUnavailable, mount.error().message());
  mounts_.push_back(std::move(*mount));
  return mounts_.back().take_fuse();
}

std::string DockerSandbox::interface_name() const {
  return spec_.network_isolation && spec_.hosts.size() <= 1 ? "lo" : "eth0";
}

// ---- while it runs

Status DockerSandbox::start(const Command&, int stdout_fd, int) {
  out_ = UniqueFd(::fcntl(stdout_fd, F_DUPFD_CLOEXEC, 0));
  lines_ = std::make_unique<LogLines>([fd = out_.get()](std::int64_t time_ms, std::string_view line) {
    return write_all(fd, fmt::format("{} {}\n", time_ms, line));
  });
  if (!found_) {
    TRY(const bool started, start_or_refuse());
    if (!started) return {};
    mounts_.clear();  // the container has them of its own now
    crash_point("runner-container-runs");
  }
  following_ = std::thread([this] { follow(); });
  if (const auto state = control_.inspect(id_)) {
    first_process_ = state->pid;
    if (relay_) relay_->allow(state->address);
  }
  return {};
}

/// False: it cannot be started, which is how it ended.
Result<bool> DockerSandbox::start_or_refuse() {
  TRY(make_startable());
  crash_point("runner-before-start");
  Status done = start_container();
  if (!done && done.error().is(ErrorKind::kNotFound) && wiring_.own_network) {  // another host took it away
    TRY(join_own_network());
    done = start_container();
  }
  if (done) return true;
  ended_ = refused(done.error());
  out_.reset();
  ::eventfd_write(done_.get(), 1);
  return false;
}

/// An engine that goes away meanwhile may have started it or not: one that looks as if it never ran may have
/// run to its end, and is not started a second time.
Status DockerSandbox::start_container() {
  Status done = engine_.start(id_);
  if (done || !done.error().is(ErrorKind::kUnavailable) || !engine_is_back()) return done;
  TRY(const auto state, engine_.inspect(id_));
  if (state.status != "created") return {};
  return Error(ErrorKind::kInternal, "the engine was killed in the middle of its start");
}

/// The image's own user must be able to write where the platform lets it.
Status DockerSandbox::make_startable() {
  if (is_root_user(image_.user)) return {};
  for (const char* below : {"/ml", "/checkpoints"})
    for_each_entry(spec_.folder + below, [](const FTSENT& entry) {
      if (entry.fts_info == FTS_D) [[maybe_unused]]
        const int done = ::chmod(entry.fts_accpath, 0777);
    });
  return {};
}

/// The engine could not start the program: no such file, no right to execute it. A shell's codes, as docker's
/// own.
Ended DockerSandbox::refused(const Error& error) {
  const auto state = engine_.inspect(id_);
  const int code = shell_code(state ? state->exit_code : 0, error.message());
  if (code == 0) {
    log::error("the container does not start: {}", error.message());
    return {.lost = true};
  }
  if (const Status told = lines_->entry({.stamp = {}, .text = "[sagelet] " + error.message() + "\n"}); !told)
    log::warn("{}", told.error().message());
  return {.wait_status = code << 8};
}

void DockerSandbox::signal(int number) {
  signalled_ = true;
  const Status done = control_.signal(id_, number);
  if (done || done.error().is(ErrorKind::kConflict) || done.error().is(ErrorKind::kNotFound)) return;
  log::warn("signal {}: {}", number, done.error().message());
  const std::lock_guard lock(mutex_);
  missed_signal_ = number;
}

void DockerSandbox::follow() {
  while (!leaving_) {
    Status done = follow_logs();
    if (done) done = engine_.wait(id_);
    if (done) done = follow_what_is_missing();
    if (!done && done.error().is(ErrorKind::kUnavailable)) {
      log::warn("the engine went away: {}", done.error().message());
      if (engine_is_back()) continue;
      log::error("the engine did not come back");
      ended_ = {.lost = true};
      break;
    }
    if (!done) log::error("{}", done.error().message());
    auto end = look_at_end();
    if (!end && end.error().is(ErrorKind::kUnavailable)) {
      if (engine_is_back()) continue;
    }
    if (!end && end.error().is(ErrorKind::kConflict)) continue;  // it runs still
    if (!end) log::error("the container is lost: {}", end.error().message());
    ended_ = end ? *end : Ended{.lost = true};
    break;
  }
  if (const Status told = lines_->end(); !told) log::warn("{}", told.error().message());
  if (ended_unseen_ && !ended_.lost) say_what_may_be_missing();
  own_files();
  out_.reset();
  ::eventfd_write(done_.get(), 1);
}

/// An engine reads a program's output again when it is back, but not that of one that has ended.
void DockerSandbox::say_what_may_be_missing() {
  const Status told =
      write_all(out_.get(),
                fmt::format("{} [sagelet] the docker engine was away when the program ended: lines of after "
                            "that moment may be missing here\n",
                            to_millis(SystemClock().now())));
  if (!told) log::warn("{}", told.error().message());
}

Status DockerSandbox::follow_logs() {
  lines_->again();
  return engine_.logs(id_, [this](const client::LogEntry& entry) { return lines_->entry(entry); });
}

/// An engine may end the following of a log before it has written the last words to it.
Status DockerSandbox::follow_what_is_missing() {
  bool whole = true;
  TRY(engine_.newest_log(id_, [&](const client::LogEntry& entry) -> Status {
    whole = lines_->ends_with(entry);
    return {};
  }));
  return whole ? Status() : follow_logs();
}

/// Waits for it, and catches up on signals. A shutdown breaks connections first and ends the containers then,
/// so an engine that is still there at that moment is shutting down; one that was killed is not.
bool DockerSandbox::engine_is_back() {
  std::this_thread::sleep_for(kLook);
  if (!engine_process_ || engine_process_->alive()) engine_shut_down_ = true;
  engine_was_away_ = true;
  for (const auto until = std::chrono::steady_clock::now() + kPatience;
       std::chrono::steady_clock::now() < until;) {
    if (leaving_ || unwanted_) return false;
    if (engine_.ping()) {
      engine_back_ms_ = to_millis(SystemClock().now());
      engine_process_ = process_behind(engine_.socket());
      const std::lock_guard lock(mutex_);
      if (const int number = std::exchange(missed_signal_, 0); number != 0)
        if (const Status sent = engine_.signal(id_, number); !sent) log::warn("{}", sent.error().message());
      return true;
    }
    std::this_thread::sleep_for(kLook);
  }
  return false;
}

/// kConflict: it is not at its end.
Result<Ended> DockerSandbox::look_at_end() {
  TRY(const auto state, engine_.inspect(id_));
  if (state.running || state.status == "restarting") return Error(ErrorKind::kConflict, "it runs");
  // An engine that is back takes a while to notice; the time is the program's own.
  ended_unseen_ = engine_was_away_ && millis_of(state.finished_at) <= engine_back_ms_;
  if (ended_unseen_ && state.exit_code == kUnknownCode)
    return Error(ErrorKind::kInternal, "the engine does not know how it ended");
  if (!signalled_ && was_ended_by_engine(state))
    return Error(ErrorKind::kInternal,
                 fmt::format("it was ended from outside (exit code {})", state.exit_code));
  return Ended{.wait_status = (state.exit_code & 0xff) << 8,
               .out_of_memory = state.oom_killed && state.exit_code != 0};
}

bool DockerSandbox::was_ended_by_engine(const client::ContainerState& state) {
  const auto sent = engine_.signals_sent_to(id_);
  if (sent && !sent->empty()) return true;
  if (state.status == "created" || state.status == "dead") return true;
  // Nobody saw how the engine went: one that shuts down ends its containers by these.
  const bool by_signal = state.exit_code == 128 + SIGTERM || state.exit_code == 128 + SIGKILL;
  const bool shut_down = engine_was_away_ && (engine_shut_down_ || (engine_changed_ && by_signal));
  if (!shut_down) return false;
  const auto info = engine_.info();
  return !info || !info->live_restore;
}

/// The container's root and its users may have written below the job's folder.
void DockerSandbox::own_files() {
  const uid_t user = ::geteuid();
  if (user != 0) {
    std::vector<std::string> folders = {spec_.folder + "/ml", spec_.folder + "/checkpoints"};
    if (!spec_.warmpool_cache.empty()) folders.push_back(spec_.warmpool_cache);
    const Status done = client::own_files(engine_.socket(), image_.id, job_label(spec_.job_id), folders);
    if (!done) log::warn("files of the container stay its users': {}", done.error().message());
    return;
  }
  const gid_t group = ::getegid();
  for (const char* below : {"/ml", "/checkpoints"})
    for_each_entry(spec_.folder + below, [&](const FTSENT& entry) {
      if (entry.fts_statp->st_uid != user || entry.fts_statp->st_gid != group) [[maybe_unused]]
        const int done = ::lchown(entry.fts_accpath, user, group);
    });
}

// ---- after it

DockerSandbox::~DockerSandbox() {
  unwanted_ = true;
  if (preparing_.joinable()) preparing_.join();
  leaving_ = true;
  remove_everything();
  if (following_.joinable()) following_.join();
}

/// What cannot be removed now stays noted in the folder: the server removes it when it sees that we are gone.
void DockerSandbox::remove_everything() {
  relay_.reset();
  Status done = id_.empty() ? Status() : control_.remove(id_);
  for (const auto until = std::chrono::steady_clock::now() + kPatience;
       !done && done.error().is(ErrorKind::kUnavailable) && std::chrono::steady_clock::now() < until;) {
    engine_was_away_ = true;
    std::this_thread::sleep_for(kLook);
    done = control_.remove(id_);
  }
  if (done && (engine_was_away_ || spec_.resumed) && !id_.empty()) client::end_orphans({id_});
  if (done && wiring_.own_network) leave_network(control_, spec_);
  std::error_code ignored;
  if (done)
    fs::remove(spec_.folder + "/engine", ignored);
  else
    log::warn("the container is not removed yet: {}", done.error().message());
}

}  // namespace sagelet::runner
