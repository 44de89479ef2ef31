#pragma once
// `slurm:` of sagelet.yaml.
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sagelet::jobs::slurm {

/// What an instance type is on this cluster; what is absent comes from AWS's table.
struct Size {
  std::string partition, gres;  ///< gres: "gpu:1"; empty: by the type's GPUs
  std::optional<int> cpus;
  std::optional<std::uint64_t> memory;  ///< bytes
  std::vector<std::string> options;     ///< further words for sbatch
};

struct Settings {
  std::string partition;             ///< empty: the cluster's own default
  std::vector<std::string> options;  ///< further words for sbatch
  std::string folder = "/tmp";       ///< on each node: jobs' folders go in here
  std::string shared;  ///< a folder that server and nodes see under one path; then they go there
  std::string runner;  ///< on the nodes; empty: it is sent to them
  std::string python;  ///< on the nodes; empty: what the server would use
  std::map<std::string, Size> instance_types;
  /// A job that no node can take, as the cluster is, ends with CapacityError after this.
  std::chrono::seconds capacity_wait{600};
};

}  // namespace sagelet::jobs::slurm
