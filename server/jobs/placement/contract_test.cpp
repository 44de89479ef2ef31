// The contract, held against every placement; against Slurm by `script/test slurm`, which starts a cluster
// and sets SAGELET_TEST_CLUSTER.
#include <stdlib.h>

#include "server/jobs/placement/local/local.hpp"
#include "server/jobs/placement/placement_contract.hpp"
#include "server/jobs/placement/slurm/slurm.hpp"

namespace sagelet::jobs {
namespace {

using Factory = Placed (*)(const std::filesystem::path&);

Placed make_local(const std::filesystem::path& home) {
  const auto runner = write_fake_runner(home);
  const auto folder = home / "jobs";
  return {home, folder, [=] { return std::make_unique<LocalPlacement>(runner, folder); }};
}

Placed make_slurm(const std::filesystem::path& home) {
  const auto runner = write_fake_runner(home);
  const auto folder = home / "jobs";
  return {home, folder, [=] {
            return std::make_unique<slurm::SlurmPlacement>(
                slurm::SlurmOptions{.settings = {.shared = folder.native(), .runner = runner.native()},
                                    .runner = runner,
                                    .folder = folder,
                                    .cores_per_job = 1,
                                    .memory_per_job = 256u << 20,
                                    .tick = std::chrono::milliseconds(200)},
                slurm::make_commands());
          }};
}

std::vector<Factory> where_there_is_a_cluster() {
  return ::getenv("SAGELET_TEST_CLUSTER") == nullptr ? std::vector<Factory>()
                                                     : std::vector<Factory>{&make_slurm};
}

INSTANTIATE_TEST_SUITE_P(Local, PlacementContract, testing::Values(&make_local));
INSTANTIATE_TEST_SUITE_P(Slurm, PlacementContract, testing::ValuesIn(where_there_is_a_cluster()));

}  // namespace
}  // namespace sagelet::jobs
