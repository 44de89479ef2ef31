#include "runner/steps/conda.hpp"

#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace sagelet::runner {
namespace {

std::string on_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (std::string file = folder + "/" + name; ::access(file.c_str(), X_OK) == 0) return file;
  return {};
}

}  // namespace

Status offer_micromamba(const fs::path& bin) {
  const std::string program = on_path("micromamba");
  if (program.empty() || !on_path("mamba").empty() || !on_path("conda").empty()) return {};
  return write_file(bin / "mamba", "#!/bin/sh\nexec micromamba \"$@\"\n", false, 0755);
}

void keep_environments_in(const fs::path& folder, std::map<std::string, std::string>& variables) {
  std::string& folders = variables["CONDA_ENVS_DIRS"];
  folders = (folder / "envs").string() + (folders.empty() ? "" : ":" + folders);
  variables["MAMBA_ROOT_PREFIX"] = folder.string();  // micromamba's own word for it
  variables["MAMBA_ALWAYS_YES"] = "true";            // nobody is there to answer
}

}  // namespace sagelet::runner
