#include "server/cli/docker_setup.hpp"

#include <algorithm>

#include "base/fs.hpp"
#include "base/testing.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DockerSetup : public ::testing::Test {
 protected:
  EngineFacts facts{"http://127.0.0.1:4577", "000000000000.dkr.ecr.us-east-1.amazonaws.com",
                    "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n", false};
  TempFolder folder = TempFolder::make(fs::temp_directory_path(), "setup").value();
  fs::path root = folder.path();
  fs::path certificate = root / "etc/docker/certs.d/000000000000.dkr.ecr.us-east-1.amazonaws.com/ca.crt";
  fs::path script = root / "etc/default/docker";

  std::vector<fs::path> set_up() { return apply_setup(setup_files(root, facts).value()).value(); }
  std::vector<fs::path> undo() { return apply_setup(undone_files(root).value()).value(); }
};

TEST_F(DockerSetup, GivesTheEngineOurProxyAndOurAuthority) {
  EXPECT_THAT(set_up(), SizeIs(2));
  EXPECT_THAT(read_file(certificate).value(), HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_THAT(read_file(script).value(), HasSubstr("export HTTPS_PROXY=http://127.0.0.1:4577\n"));
}

TEST_F(DockerSetup, ASecondTimeChangesNothing) {
  set_up();
  EXPECT_THAT(set_up(), IsEmpty());
}

TEST_F(DockerSetup, AnotherServerReplacesTheFirst) {
  set_up();
  facts.url = "http://127.0.0.1:5000";
  EXPECT_THAT(set_up(), SizeIs(1));
  const auto text = read_file(script).value();
  EXPECT_THAT(text, HasSubstr("127.0.0.1:5000"));
  EXPECT_EQ(text.find("4577"), std::string::npos) << text;
}

TEST_F(DockerSetup, UndoingLeavesWhatWasThere) {
  ASSERT_TRUE(make_folders(script.parent_path()));
  ASSERT_TRUE(write_file(script, "DOCKER_OPTS=\"--dns 8.8.8.8\"\n"));
  set_up();
  EXPECT_THAT(undo(), SizeIs(2));
  EXPECT_EQ(read_file(script).value(), "DOCKER_OPTS=\"--dns 8.8.8.8\"\n");
  EXPECT_FALSE(fs::exists(certificate.parent_path()));
  EXPECT_THAT(undo(), IsEmpty());
}

TEST_F(DockerSetup, UndoingRemovesAScriptThatHeldNothingElse) {
  set_up();
  undo();
  EXPECT_FALSE(fs::exists(script));
}

TEST_F(DockerSetup, AUnitOfSystemdGetsADropIn) {
  facts.systemd = true;
  set_up();
  EXPECT_THAT(read_file(root / "etc/systemd/system/docker.service.d/sagelet.conf").value(),
              HasSubstr("Environment=\"HTTPS_PROXY=http://127.0.0.1:4577\""));
  EXPECT_FALSE(fs::exists(script));
  EXPECT_THAT(undo(), SizeIs(2));
}

TEST_F(DockerSetup, SomebodyElsesCertificateStays) {
  ASSERT_TRUE(make_folders(certificate.parent_path()));
  ASSERT_TRUE(write_file(certificate, "theirs\n"));
  const auto files = setup_files(root, facts);
  ASSERT_FALSE(files);
  EXPECT_THAT(files.error().message(), HasSubstr("not ours"));
  EXPECT_THAT(undo(), IsEmpty());
  EXPECT_EQ(read_file(certificate).value(), "theirs\n");
}

}  // namespace
}  // namespace sagelet::cli
