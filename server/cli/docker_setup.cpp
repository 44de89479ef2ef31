#include "server/cli/docker_setup.hpp"

#include <unistd.h>

#include "base/fs.hpp"
#include "fmt/format.h"
#include "server/cli/calls.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/terminal.hpp"

namespace sagelet::cli {

namespace {

constexpr std::string_view kMark =
    "# Written by sagelet docker-setup; gone with sagelet docker-setup --undo.\n";
constexpr std::string_view kBegin = "# >>> sagelet docker-setup >>>\n",
                           kEnd = "# <<< sagelet docker-setup <<<\n";

fs::path certificates(const fs::path& root) {
  return root / "etc/docker/certs.d";
}
fs::path unit(const fs::path& root) {
  return root / "etc/systemd/system/docker.service.d/sagelet.conf";
}
fs::path start_script(const fs::path& root) {
  return root / "etc/default/docker";
}

/// Empty when there is none.
Result<std::string> content_of(const fs::path& path) {
  auto read = read_file(path);
  if (!read && read.error().is(ErrorKind::kNotFound)) return std::string();
  return read;
}

bool is_ours(const fs::path& path) {
  const auto content = content_of(path);
  return content && content->starts_with(kMark);
}

}  // namespace

std::string without_block(std::string_view script) {
  const auto begin = script.find(kBegin);
  const auto end = begin == std::string_view::npos ? begin : script.find(kEnd, begin);
  if (end == std::string_view::npos) return std::string(script);
  return std::string(script.substr(0, begin)) + std::string(script.substr(end + kEnd.size()));
}

std::string with_block(std::string_view script, std::string_view lines) {
  std::string out = without_block(script);
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  return out + std::string(kBegin) + std::string(lines) + std::string(kEnd);
}

Result<std::vector<SetupFile>> setup_files(const fs::path& root, const EngineFacts& facts) {
  std::vector<SetupFile> files;
  const auto certificate = certificates(root) / facts.registry / "ca.crt";
  std::error_code ignored;
  if (fs::exists(certificate, ignored) && !is_ours(certificate))
    return Error(ErrorKind::kConflict,
                 fmt::format("{} is there and not ours: move it away first", certificate.string()));
  files.push_back({certificate, std::string(kMark) + facts.authority});
  if (facts.systemd) {
    files.push_back(
        {unit(root), fmt::format("{}[Service]\nEnvironment=\"HTTPS_PROXY={}\"\n", kMark, facts.url)});
  } else {
    TRY(const auto script, content_of(start_script(root)));
    files.push_back(
        {start_script(root), with_block(script, fmt::format("export HTTPS_PROXY={}\n", facts.url))});
  }
  return files;
}

Result<std::vector<SetupFile>> undone_files(const fs::path& root) {
  std::vector<SetupFile> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(certificates(root), ignored))
    if (const auto path = entry.path() / "ca.crt"; is_ours(path)) files.push_back({path, {}});
  if (is_ours(unit(root))) files.push_back({unit(root), {}});
  TRY(const auto script, content_of(start_script(root)));
  if (auto rest = without_block(script); rest != script)
    files.push_back({start_script(root), std::move(rest)});
  return files;
}

Result<std::vector<fs::path>> apply_setup(const std::vector<SetupFile>& files) {
  std::vector<fs::path> changed;
  for (const auto& file : files) {
    TRY(const auto now, content_of(file.path));
    if (now == file.content && !now.empty()) continue;
    if (file.content.empty()) {
      std::error_code ignored;
      fs::remove(file.path, ignored);
      fs::remove(file.path.parent_path(), ignored);  // only if it is empty
    } else {
      TRY(make_folders(file.path.parent_path()));
      TRY(write_file(file.path, file.content));
    }
    changed.push_back(file.path);
  }
  return changed;
}

// ---- the command ----

namespace {

std::string registry_name(const std::string& account, const std::string& region) {
  return fmt::format("{}.dkr.ecr.{}.amazonaws.com{}", account, region,
                     region.starts_with("cn-") ? ".cn" : "");
}

Result<EngineFacts> ask_server(const DockerSetupOptions& options, const fs::path& root) {
  Calls calls(options.target);
  TRY(const auto status, calls.admin_json("status"));
  EngineFacts facts;
  facts.url = options.target.url;
  facts.registry = registry_name(member(status, "account"), member(status, "region"));
  TRY(facts.authority, calls.admin("GET", "authority"));
  std::error_code ignored;
  facts.systemd = fs::is_directory(root / "run/systemd/system", ignored);
  return facts;
}

void say_changed(const std::vector<fs::path>& changed) {
  for (const auto& path : changed) fmt::print("changed {}\n", path.string());
  if (changed.empty()) fmt::print("nothing to change\n");
}

void say_restart(bool systemd) {
  fmt::print(
      "Restart the engine so that it sees this: {}\n",
      systemd ? "systemctl daemon-reload && systemctl restart docker"
              : "service docker restart (a dockerd started by hand takes HTTPS_PROXY from its environment)");
}

int undo_setup(const fs::path& root) {
  const auto files = undone_files(root);
  if (!files) return report(files.error());
  const auto changed = apply_setup(*files);
  if (!changed) return report(changed.error());
  say_changed(*changed);
  std::error_code ignored;
  if (!changed->empty()) say_restart(fs::is_directory(root / "run/systemd/system", ignored));
  return kOk;
}

}  // namespace

int docker_setup(const DockerSetupOptions& options) {
  const fs::path root = options.root.empty() ? fs::path("/") : fs::path(options.root);
  if (options.root.empty() && ::geteuid() != 0)
    return report(Error(ErrorKind::kPermission,
                        "docker-setup writes the engine's files under /etc: run it as root (sudo sagelet "
                        "docker-setup). Without it, docker push 127.0.0.1:4577/<repository> works too"));
  if (options.undo) return undo_setup(root);
  const auto facts = ask_server(options, root);
  if (!facts) return report(facts.error());
  const auto files = setup_files(root, *facts);
  if (!files) return report(files.error());
  const auto changed = apply_setup(*files);
  if (!changed) return report(changed.error());
  say_changed(*changed);
  if (!changed->empty()) say_restart(facts->systemd);
  fmt::print(
      "Then docker push {}/<repository>:<tag> comes here. The engine reaches every registry through sagelet: "
      "while no\n"
      "server runs at {}, it reaches none by https. To undo: sagelet docker-setup --undo\n",
      facts->registry, facts->url);
  return kOk;
}

}  // namespace sagelet::cli
