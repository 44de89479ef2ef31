#include "server/jobs/images.hpp"

#include <sys/stat.h>

#include "base/fs.hpp"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::jobs {
namespace {

using testing::HasSubstr;

constexpr auto kEcr = "683313688378.dkr.ecr.us-east-1.amazonaws.com/";

TEST(Glob, FitsTheWholeText) {
  EXPECT_TRUE(glob("*", ""));
  EXPECT_TRUE(glob("*/sagemaker-scikit-learn:*", std::string(kEcr) + "sagemaker-scikit-learn:1.2-1-cpu-py3"));
  EXPECT_TRUE(glob("a?c*e", "abcddde"));
  EXPECT_TRUE(glob("*a*b*a*", "xxaxbxbxax"));
  EXPECT_FALSE(glob("", "a"));
  EXPECT_FALSE(glob("a?", "a"));
  EXPECT_FALSE(glob("abc", "abcd"));
  EXPECT_FALSE(glob("*a*a*a*a*a*a*a*a*a*a*b", std::string(2000, 'a')));  // and it does not take for ever
}

TEST(Images, KnowsTheFrameworkImages) {
  const auto of = [](const std::string& name) { return framework_of(kEcr + name); };
  EXPECT_EQ(of("sagemaker-scikit-learn:1.2-1-cpu-py3"), "scikit-learn");
  EXPECT_EQ(of("sagemaker-xgboost:1.7-1"), "xgboost");
  EXPECT_EQ(of("pytorch-training:2.3.0-cpu-py311"), "pytorch");
  EXPECT_EQ(of("tensorflow-training:2.16-cpu-py310"), "tensorflow");
  EXPECT_EQ(of("huggingface-pytorch-training:2.8.0-transformers4.56.2-gpu-py312-cu129-ubuntu22.04"),
            "huggingface");
  EXPECT_EQ(of("mxnet-training:1.9.0-cpu-py38"), "mxnet");
  EXPECT_EQ(of("sagemaker-chainer:5.0.0-cpu-py3"), "chainer");
  EXPECT_EQ(of("autogluon-training:1.3.0-cpu-py311"), "autogluon");
  EXPECT_EQ(of("sagemaker-base-python-310:1.0"), "python");
  EXPECT_EQ(
      framework_of("450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-scikit-learn:1.2-1-cpu-py3"),
      "scikit-learn");
}

TEST(Images, OthersAreNotTakenForThem) {
  for (const char* image : {"", "ubuntu", "sagemaker-scikit-learn:1.2-1", "me/pytorch-training:2",
                            "123.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2"})
    EXPECT_EQ(framework_of(image), "") << image;
  EXPECT_EQ(framework_of(std::string(kEcr) + "linear-learner:1"), "");
  EXPECT_EQ(framework_of(std::string(kEcr) + "pytorch-inference:2.3.0-cpu-py311"), "");
}

TEST(Images, ThePyTagOrTheClientsVersionPicksThePython) {
  const auto minor = [](const std::string& image, std::vector<std::string> arguments = {}) {
    JobSpec spec;
    spec.image = kEcr + image;
    spec.arguments = std::move(arguments);
    return python_minor(spec);
  };
  EXPECT_EQ(minor("pytorch-training:2.3.0-cpu-py311"), 11);
  EXPECT_EQ(minor("x:2.8.0-transformers4-gpu-py312-cu129-ubuntu22.04"), 12);
  EXPECT_EQ(minor("sagemaker-scikit-learn:1.2-1-cpu-py3"), 0);
  EXPECT_EQ(minor("sagemaker-base-python-310:1.0"), 10);
  EXPECT_EQ(minor("sagemaker-base-python-310:1.0", {"--client_python_version", "3.12"}), 12);
}

class MapImage : public testing::Test {
 protected:
  /// An interpreter's place with the version in its name, and nothing in it that could run.
  std::string python(int minor) {
    const auto file = home_.path() / fmt::format("python3.{}", minor);
    (void)write_file(file,
                     "\x7f"
                     "ELF",
                     false, 0755);
    (void)::chmod(file.c_str(), 0755);
    return file.native();
  }
  Status map(const std::string& image) {
    spec_ = {};
    spec_.image = image;
    spec_.hyperparameters = hyperparameters_;
    Interpreters interpreters(pythons_);
    return map_image(rules_, interpreters, spec_);
  }

  TempFolder home_ = *TempFolder::make(fs::temp_directory_path(), "images-");
  std::vector<ImageRule> rules_;
  std::vector<std::string> pythons_;
  std::map<std::string, std::string> hyperparameters_;
  JobSpec spec_;
};

TEST_F(MapImage, TheFirstRuleThatFitsWins) {
  pythons_ = {python(9)};
  rules_ = {{"*/my-team/*", python(11), ""}, {"*", python(12), ""}};
  ASSERT_TRUE(map("registry/my-team/image:1"));
  EXPECT_EQ(spec_.python, python(11));
  EXPECT_EQ(spec_.sandbox, "process");
  ASSERT_TRUE(map(std::string(kEcr) + "sagemaker-scikit-learn:1.2-1-cpu-py3"));
  EXPECT_EQ(spec_.python, python(12));
  EXPECT_EQ(spec_.framework, "scikit-learn");
}

TEST_F(MapImage, FrameworkImagesRunByTheDefaultPythonOrTheOneOfTheirTag) {
  pythons_ = {python(9), python(11)};
  ASSERT_TRUE(map(std::string(kEcr) + "sagemaker-scikit-learn:1.2-1-cpu-py3"));
  EXPECT_EQ(spec_.python, python(9));
  ASSERT_TRUE(map(std::string(kEcr) + "pytorch-training:2.3.0-cpu-py311"));
  EXPECT_EQ(spec_.python, python(11));
  ASSERT_TRUE(map(std::string(kEcr) + "pytorch-training:2.3.0-cpu-py38"));
  EXPECT_EQ(spec_.python, python(9));
}

TEST_F(MapImage, AnUnknownImageIsToldHowToBeMapped) {
  const auto done = map("me/mine:1");
  ASSERT_TRUE(done.error().is(ErrorKind::kInvalid));
  for (const char* word : {"me/mine:1", "sagelet.yaml", "match", "sagemaker-scikit-learn"})
    EXPECT_THAT(done.error().message(), HasSubstr(word));
}

TEST_F(MapImage, DockerRulesAreSaidToBeMissing) {
  rules_ = {{"*", "", "local/dev:1"}};
  EXPECT_THAT(map("me/mine:1").error().message(), HasSubstr("docker sandbox is not in this version"));
}

TEST_F(MapImage, XGBoostWithoutAScriptIsTheBuiltInAlgorithmWithItsMetrics) {
  pythons_ = {python(9)};
  for (const char* image : {"sagemaker-xgboost:1.7-1", "xgboost:1"}) {
    hyperparameters_.clear();
    ASSERT_TRUE(map(std::string(kEcr) + image));
    EXPECT_EQ(spec_.algorithm, "xgboost");
    const auto named = [&](const char* name) {
      return std::ranges::any_of(spec_.metrics,
                                 [&](const MetricSpec& metric) { return metric.name == name; });
    };
    EXPECT_TRUE(named("validation:rmse") && named("train:auc"));
    hyperparameters_["sagemaker_program"] = "\"train.py\"";
    ASSERT_TRUE(map(std::string(kEcr) + image));
    EXPECT_EQ(spec_.framework, "xgboost");
    EXPECT_EQ(spec_.algorithm, "");
    EXPECT_TRUE(spec_.metrics.empty());
  }
}

TEST_F(MapImage, AMissingInterpreterIsNamed) {
  pythons_ = {"/no/such/python"};
  const auto done = map(std::string(kEcr) + "sagemaker-scikit-learn:1.2-1-cpu-py3");
  ASSERT_TRUE(done.error().is(ErrorKind::kInvalid));
  EXPECT_THAT(done.error().message(), HasSubstr("/no/such/python"));
}

TEST(Interpreters, AVirtualEnvironmentsOwnPythonIsKept) {
  const auto home = *TempFolder::make(fs::temp_directory_path(), "venv-");
  fs::create_directory(home.path() / "bin");
  fs::create_symlink("/bin/true", home.path() / "bin/python");
  ASSERT_TRUE(write_file(home.path() / "pyvenv.cfg", "home = /usr/bin\nversion = 3.12.4\n"));
  Interpreters interpreters({(home.path() / "bin/python").native()});
  const auto found = interpreters.pick(0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, (home.path() / "bin/python").native());
  EXPECT_EQ(found->minor, 12);
}

TEST(Interpreters, AShimIsAskedForTheRealOne) {
  const auto home = *TempFolder::make(fs::temp_directory_path(), "shim-");
  const auto shim = home.path() / "python3";
  ASSERT_TRUE(write_file(shim, "#!/bin/sh\nprintf '13\\n/bin/sh\\n'\n", false, 0755));
  ::chmod(shim.c_str(), 0755);
  Interpreters interpreters({shim.native()});
  const auto found = interpreters.pick(0);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->path, "/bin/sh");
  EXPECT_EQ(found->minor, 13);
}

TEST(Interpreters, WhatIsNoPythonIsSaid) {
  const auto home = *TempFolder::make(fs::temp_directory_path(), "shim-");
  const auto shim = home.path() / "python3";
  ASSERT_TRUE(write_file(shim, "#!/bin/sh\nexit 1\n", false, 0755));
  ::chmod(shim.c_str(), 0755);
  Interpreters interpreters({shim.native()});
  EXPECT_THAT(interpreters.pick(0).error().message(), HasSubstr(shim.native()));
}

}  // namespace
}  // namespace sagelet::jobs
