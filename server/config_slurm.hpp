#pragma once
// `slurm:` of sagelet.yaml.
#include "server/config_yaml.hpp"
#include "server/jobs/placement/slurm/settings.hpp"

namespace sagelet::config_yaml {

Status read_slurm(jobs::slurm::Settings& settings, const Place& place, const YAML::Node& node);

}  // namespace sagelet::config_yaml
