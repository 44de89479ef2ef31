#include "server/jobs/images.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <sys/un.h>
#include <unistd.h>
#include <cstdlib>

#include <atomic>
#include <thread>

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
    return map_image({rules_, engine_, registry_}, interpreters, spec_);
  }

  TempFolder home_ = *TempFolder::make(fs::temp_directory_path(), "images-");
  std::vector<ImageRule> rules_;
  std::vector<std::string> pythons_;
  EngineImages engine_{[] { return std::string("/no/such/engine"); }};
  std::function<std::string(const std::string&)> registry_;
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

TEST_F(MapImage, AnImageForDockerNeedsAnEngine) {
  rules_ = {{"*/ruled:*", "", "local/dev:1"}};
  registry_ = [](const std::string& image) {
    return image == "me/pushed:1" ? "127.0.0.1:1/me/pushed@sha256:0" : "";
  };
  for (const char* image : {"me/ruled:1", "me/pushed:1"}) {
    const auto done = map(image);
    ASSERT_FALSE(done) << image;
    for (const char* word : {image, "no docker engine answers", "/no/such/engine", "DOCKER_HOST"})
      EXPECT_THAT(done.error().message(), HasSubstr(word));
  }
}

/// An engine that has one image, or nothing to say.
class FakeEngine {
 public:
  explicit FakeEngine(std::string image) : image_(std::move(image)) {
    sockaddr_un address{.sun_family = AF_UNIX};
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    thread_ = std::thread([this] {
      while (const UniqueFd peer{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)})
        answer(peer.get());
    });
  }
  ~FakeEngine() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::string path() const { return (home_.path() / "sock").native(); }
  int asked() const { return asked_; }

 private:
  void answer(int fd) {
    std::string head(4096, '\0');
    const auto got = ::read(fd, head.data(), head.size());
    head.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    ++asked_;
    const bool has = head.find("/images/" + image_ + "/json") != std::string::npos;
    const std::string body =
        has ? "{\"Id\":\"sha256:1\",\"Os\":\"linux\"}" : "{\"message\":\"No such image\"}";
    (void)write_all(fd, fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                                    has ? "200 OK" : "404 Not Found", body.size(), body));
  }
  TempFolder home_ = *TempFolder::make(fs::temp_directory_path(), "engine-");
  std::string image_;
  UniqueFd listener_;
  std::atomic<int> asked_{0};
  std::thread thread_;
};

TEST_F(MapImage, WhatTheEngineHasUnderTheExactNameRunsInDocker) {
  const auto own = std::string(kEcr) + "sagemaker-scikit-learn:1.2-1-cpu-py3";
  FakeEngine engine(own);
  EngineImages images([&] { return engine.path(); });
  Interpreters interpreters(pythons_ = {python(9)});
  spec_.image = own;
  ASSERT_TRUE(map_image({rules_, images, registry_}, interpreters, spec_));
  EXPECT_EQ(spec_.sandbox, "docker");
  EXPECT_EQ(spec_.docker_image, own);
  EXPECT_FALSE(spec_.own_registry);
  EXPECT_EQ(spec_.docker_socket, engine.path());
  spec_ = {};
  spec_.image = std::string(kEcr) + "pytorch-training:2.3.0-cpu-py39";
  ASSERT_TRUE(map_image({rules_, images, registry_}, interpreters, spec_));
  EXPECT_EQ(spec_.sandbox, "process");
}

TEST_F(MapImage, ThePushedImageIsPulledFromUs) {
  FakeEngine engine("other");
  EngineImages images([&] { return engine.path(); });
  Interpreters interpreters(pythons_);
  registry_ = [](const std::string&) { return "127.0.0.1:1/me/pushed@sha256:0"; };
  spec_.image = "me/pushed:1";
  ASSERT_TRUE(map_image({rules_, images, registry_}, interpreters, spec_));
  EXPECT_EQ(spec_.docker_image, "127.0.0.1:1/me/pushed@sha256:0");
  EXPECT_TRUE(spec_.own_registry);
}

TEST(EngineImages, ABurstOfJobsAsksOnce) {
  FakeEngine engine("me/mine:1");
  EngineImages images([&] { return engine.path(); });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(images.look("me/mine:1"), EngineImages::Answer::kHas);
  EXPECT_EQ(images.look("me/other:1"), EngineImages::Answer::kHasNot);
  EXPECT_EQ(engine.asked(), 2);
}

TEST(EngineImages, AnEngineThatHangsIsWaitedForOnce) {
  const auto home = *TempFolder::make(fs::temp_directory_path(), "engine-");
  sockaddr_un address{.sun_family = AF_UNIX};
  const std::string path = home.path() / "sock";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  EngineImages images([&] { return path; });
  EXPECT_EQ(images.look("me/mine:1"), EngineImages::Answer::kNoEngine);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(images.look("me/mine:1"), EngineImages::Answer::kNoEngine);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(500));
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

TEST(Interpreters, OneOfTheCallersVersionIsFoundOnThePathBeforeADefaultOfAnother) {
  const auto home = *TempFolder::make(fs::temp_directory_path(), "path-");
  for (const int minor : {9, 14}) {
    const auto file = home.path() / fmt::format("python3.{}", minor);
    ASSERT_TRUE(write_file(file, "\x7f", false, 0755));
    ::chmod(file.c_str(), 0755);
  }
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", home.path().c_str(), 1);
  Interpreters interpreters({(home.path() / "python3.9").native()});
  const auto of_14 = interpreters.of_version(14), of_15 = interpreters.of_version(15),
             picked = interpreters.pick(14);
  ::setenv("PATH", before.c_str(), 1);
  ASSERT_TRUE(of_14 && of_15 && picked);
  EXPECT_EQ(of_14->path, (home.path() / "python3.14").native());
  EXPECT_EQ(of_15->minor, 9);
  EXPECT_EQ(picked->minor, 9);
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
