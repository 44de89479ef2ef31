#pragma once
// What a docker engine must be told so that it pushes to AWS's name of our registry: our proxy, and our
// authority for that name. Files of the system's, each marked as ours.
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace sagelet::cli {

/// A file and what it should hold.
struct SetupFile {
  std::filesystem::path path;
  std::string content;
};

struct EngineFacts {
  std::string url;        ///< of the server: http://127.0.0.1:4577
  std::string registry;   ///< 000000000000.dkr.ecr.us-east-1.amazonaws.com
  std::string authority;  ///< our certificate in PEM
  bool systemd = false;  ///< the engine is a unit of systemd; else its start script reads /etc/default/docker
};

/// `root` stands for /. What is in the files already and not ours stays.
Result<std::vector<SetupFile>> setup_files(const std::filesystem::path& root, const EngineFacts& facts);
/// The same files without our part, as far as they are there; an empty content means: remove it.
Result<std::vector<SetupFile>> undone_files(const std::filesystem::path& root);

/// A start script with our lines in it once (or without them).
std::string with_block(std::string_view script, std::string_view lines);
std::string without_block(std::string_view script);

/// Writes what differs; gives the paths it changed.
Result<std::vector<std::filesystem::path>> apply_setup(const std::vector<SetupFile>& files);

}  // namespace sagelet::cli
