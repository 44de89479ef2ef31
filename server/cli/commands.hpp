#pragma once
// The sub-commands, one file each. Every one gives the program's exit code.
#include <string>
#include <vector>

#include "server/cli/cli.hpp"

namespace sagelet::cli {

/// Which server a client command means.
struct Target {
  std::string url;  ///< --url, else SAGELET_URL, else http://127.0.0.1:4577
};
Target target_of(const std::string& url_option);

int serve(Config config, const ServeHook& hook);

struct ExecOptions {
  std::vector<std::string> serve_words;  ///< the serve options as they were written
  bool keeps_data = false;               ///< --data was given: the server is not ephemeral
  std::vector<std::string> command;
};
int exec(const ExecOptions& options);

struct EnvOptions {
  Target target;
  bool unset = false;
};
int env(const EnvOptions& options);

struct DockerSetupOptions {
  Target target;
  bool undo = false;
  std::string root;  ///< a folder that stands for /; empty: the machine itself
};
int docker_setup(const DockerSetupOptions& options);

int status(const Target& target);
int jobs_ls(const Target& target);
int jobs_describe(const Target& target, const std::string& name);
int jobs_stop(const Target& target, const std::string& name);
int jobs_interrupt(const Target& target, const std::string& name);
int logs(const Target& target, const std::string& job, bool follow);
int reset(const Target& target);
int doctor(const Target& target);

/// `data` empty: the server does it.
int scrub(const Target& target, const std::string& data, const OfflineHooks& offline);
int snapshot_save(const Target& target, const std::string& data, const std::string& file,
                  const OfflineHooks& offline);
int snapshot_restore(const std::string& file, const std::string& data, const OfflineHooks& offline);

}  // namespace sagelet::cli
