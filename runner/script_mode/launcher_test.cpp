#include "runner/script_mode/launcher.hpp"

#include "base/fs.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::script_mode {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Asked {
  Config config;
  Environment environment;

  explicit Asked(const char* flag, std::vector<std::string> hosts = {"algo-1"}) {
    environment.framework.set(flag, true);
    environment.hosts = std::move(hosts);
    environment.master = environment.hosts.front();
    environment.current_host = environment.hosts.back();
    environment.distributed = true;
    environment.arguments = {"--a", "1"};
  }
  Launch launch() const {
    return script_mode::launch(config, environment, EntryKind::kProgram, "/p/python", "train.py");
  }
  Asked& tensorflow() {
    config.environment["SAGEMAKER_TRAINING_MODULE"] = "sagemaker_tensorflow_container.training:main";
    return *this;
  }
};

TEST(Launcher, AScriptThatAsksForNothingIsStartedItself) {
  EXPECT_THAT(Asked("sagemaker_other").launch().argv, ElementsAre("/p/python", "--", "train.py", "--a", "1"));
}

TEST(Launcher, AGroupThatIsNotDistributedOverStartsItsScriptItself) {
  Asked asked("sagemaker_torch_distributed_enabled");
  asked.environment.distributed = false;
  EXPECT_EQ(asked.launch().argv.front(), "/p/python");
}

class Mpi : public testing::Test {
 protected:
  Asked two_hosts(const std::string& current) const {
    Asked asked("sagemaker_mpi_enabled", {"algo-1", "algo-2"});
    asked.environment.current_host = current;
    asked.environment.framework.set("sagemaker_mpi_num_of_processes_per_host", 2);
    asked.config.environment["PATH"] = "/nowhere:" + folder_.path().string();
    asked.config.far_shell = {"/bin/runner", 20001, "key"};
    return asked;
  }
  void install_mpirun() { ASSERT_TRUE(write_file(folder_.path() / "mpirun", "", false, 0755)); }

  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "mpi-");
};

TEST_F(Mpi, WithoutMpirunTheFaultSaysWhatToInstall) {
  const Launch launch = two_hosts("algo-1").launch();
  ASSERT_TRUE(launch.fault);
  EXPECT_THAT(*launch.fault, HasSubstr("apt-get install openmpi-bin"));
  EXPECT_TRUE(launch.argv.empty());
}

TEST_F(Mpi, TheFirstHostStartsProcessesOnAllByOurAgent) {
  install_mpirun();
  const Launch launch = two_hosts("algo-1").launch();
  ASSERT_FALSE(launch.fault) << *launch.fault;
  EXPECT_THAT(launch.in_front, ElementsAre("/bin/runner", "--mpi-leader", "algo-2"));
  EXPECT_THAT(std::vector(launch.argv.begin(), launch.argv.begin() + 5),
              ElementsAre("mpirun", "--host", "algo-1:2,algo-2:2", "-np", "4"));
  EXPECT_EQ(launch.variables.at("OMPI_MCA_plm_rsh_agent"), "sagelet-rsh");
  EXPECT_EQ(launch.variables.at("SAGELET_FAR_SHELL"), "20001:key");
}

TEST_F(Mpi, AnotherHostWaitsForTheFirst) {
  install_mpirun();
  const Launch launch = two_hosts("algo-2").launch();
  EXPECT_THAT(launch.argv, ElementsAre("/bin/runner", "--mpi-worker", "algo-2"));
  EXPECT_TRUE(launch.in_front.empty());
}

TEST(Launcher, ALauncherThatIsNotEmulatedIsSaidToBeMissing) {
  const Launch launch = Asked("sagemaker_distributed_dataparallel_enabled").launch();
  EXPECT_THAT(launch.warning, HasSubstr("sagemaker_distributed_dataparallel_enabled"));
  EXPECT_EQ(launch.argv.front(), "/p/python");
}

TEST(Launcher, TensorFlowsParameterServersFindOneAnother) {
  const Launch launch =
      Asked("sagemaker_parameter_server_enabled", {"algo-1", "algo-2"}).tensorflow().launch();
  EXPECT_EQ(launch.variables.at("TF_CONFIG"),
            R"({"cluster": {"master": ["algo-1:2222"], "ps": ["algo-1:2223", "algo-2:2223"], )"
            R"("worker": ["algo-2:2222"]}, "environment": "cloud", "task": {"index": 0, "type": "worker"}})");
  EXPECT_TRUE(Asked("sagemaker_parameter_server_enabled").tensorflow().launch().variables.empty());
  EXPECT_TRUE(Asked("sagemaker_parameter_server_enabled", {"algo-1", "algo-2"}).launch().variables.empty());
}

TEST(Launcher, TensorFlowsMirroredWorkersFindOneAnother) {
  const Launch launch =
      Asked("sagemaker_multi_worker_mirrored_strategy_enabled", {"algo-1", "algo-2"}).tensorflow().launch();
  EXPECT_EQ(launch.variables.at("TF_CONFIG"),
            R"({"cluster": {"worker": ["algo-1:8890", "algo-2:8890"]}, "environment": "cloud", )"
            R"("task": {"index": 1, "type": "worker"}})");
}

}  // namespace
}  // namespace sagelet::script_mode
