#include "client/docker_own_files.hpp"

#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "client/docker.hpp"
#include "fmt/format.h"

namespace sagelet::client {
namespace {

using nlohmann::json;

constexpr auto kPatience = std::chrono::seconds(30);
constexpr const char* kInside = "/sagelet-own-files";

Result<std::string> program() {
  std::error_code failed;
  auto path = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path() / "sagelet-own-files";
  if (!failed && ::access(path.c_str(), X_OK) == 0) return path.native();
  return Error(ErrorKind::kNotFound, path.native() + " is not there; it belongs beside sagelet-runner");
}

json settings_of(const std::string& program, const std::string& image, const std::string& label,
                 const std::vector<std::string>& folders, bool rootless) {
  const auto bind = [](const std::string& from, const std::string& to, bool read_only) {
    return json{{"Type", "bind"}, {"Source", from}, {"Target", to}, {"ReadOnly", read_only}};
  };
  // The root of a rootless engine's containers is the engine's user: us.
  json command = {std::to_string(rootless ? 0 : ::geteuid()), std::to_string(rootless ? 0 : ::getegid())};
  json mounts = json::array({bind(program, kInside, true)});
  for (const auto& folder : folders) {
    command.push_back(fmt::format("/sagelet-files/{}", mounts.size()));
    mounts.push_back(bind(folder, command.back(), false));
  }
  const auto equals = label.find('=');
  return {{"Image", image},
          {"Entrypoint", {kInside}},
          {"Cmd", std::move(command)},
          {"User", "0:0"},
          {"WorkingDir", "/"},
          {"Labels", {{label.substr(0, equals), label.substr(equals + 1)}}},
          {"HostConfig", {{"Mounts", std::move(mounts)}, {"NetworkMode", "none"}}}};
}

Status run_to_end(Engine& engine, const std::string& id) {
  TRY(engine.start(id));
  TRY(engine.wait(id));
  TRY(const auto state, engine.inspect(id));
  if (state.exit_code == 0) return {};
  return Error(ErrorKind::kInternal, fmt::format("exit code {} {}", state.exit_code, state.error));
}

}  // namespace

bool has_foreign_files(const std::string& folder) {
  std::string path = folder;
  char* paths[] = {path.data(), nullptr};
  FTS* walk = ::fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, nullptr);
  if (walk == nullptr) return false;
  bool foreign = false;
  while (const FTSENT* entry = foreign ? nullptr : ::fts_read(walk))
    foreign = entry->fts_info != FTS_NS && entry->fts_statp->st_uid != ::geteuid();
  ::fts_close(walk);
  return foreign;
}

Status own_files(const std::string& socket, const std::string& image, const std::string& label,
                 const std::vector<std::string>& folders) {
  if (::geteuid() == 0 || std::ranges::none_of(folders, has_foreign_files)) return {};
  TRY(const auto own_program, program());
  Engine engine(socket);
  engine.set_timeout(kPatience);
  engine.set_cancelled([until = std::chrono::steady_clock::now() + kPatience] {
    return std::chrono::steady_clock::now() > until;
  });
  TRY(const auto info, engine.info());
  TRY(const auto id, engine.create({}, settings_of(own_program, image, label, folders, info.rootless)));
  Status done = run_to_end(engine, id);
  Engine remover(socket);
  remover.set_timeout(kPatience);
  Status removed = remover.remove(id);
  return done ? std::move(removed) : std::move(done);
}

}  // namespace sagelet::client
