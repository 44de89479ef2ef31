#include "runner/script_mode/launcher.hpp"

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

TEST(Launcher, MpiOverSeveralHostsIsRefusedWithWhatToDo) {
  const Launch launch = Asked("sagemaker_mpi_enabled", {"algo-1", "algo-2"}).launch();
  ASSERT_TRUE(launch.fault);
  EXPECT_THAT(*launch.fault, HasSubstr("torch_distributed"));
  EXPECT_TRUE(launch.argv.empty());
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
