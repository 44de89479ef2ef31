#include <gtest/gtest.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/fs.hpp"
#include "runner/script_mode/entry_point.hpp"
#include "runner/script_mode/environment.hpp"
#include "runner/script_mode/unpack.hpp"
#include "runner/script_mode/utf8.hpp"

namespace sagelet::script_mode {
namespace {

Config config_with(std::string_view hyperparameters) {
  Config config;
  config.hyperparameters = std::get<python::Dict>(*python::parse_json(hyperparameters));
  config.resource_config =
      std::get<python::Dict>(*python::parse_json(R"({"hosts":["algo-1"],"current_host":"algo-1"})"));
  return config;
}

TEST(ScriptEnvironment, DecodesHyperparametersAndHidesThePlatforms) {
  const auto made =
      make_environment(config_with(R"({"lr":"0.1","name":"\"x\"","sagemaker_program":"\"t.py\""})"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->arguments, (std::vector<std::string>{"--lr", "0.1", "--name", "x"}));
  EXPECT_EQ(made->variables.at("SM_HPS"), R"({"lr":0.1,"name":"x"})");
  EXPECT_EQ(made->variables.at("SM_MODULE_NAME"), "t");
  EXPECT_EQ(made->variables.at("SM_MODEL_DIR"), "/opt/ml/model");
  EXPECT_FALSE(made->variables.contains("SM_HP_SAGEMAKER_PROGRAM"));
}

TEST(ScriptEnvironment, TrainingEnvHasThirtySevenProperties) {
  const auto made = make_environment(config_with("{}"));
  const auto object = python::parse_json(made->variables.at("SM_TRAINING_ENV"));
  EXPECT_EQ(object->as<python::Dict>()->items().size(), 37u);
}

TEST(ScriptEnvironment, MissingHostsAreAFrameworkError) {
  Config config = config_with("{}");
  config.resource_config = {};
  const auto made = make_environment(config);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(), "KeyError: 'hosts'");
}

TEST(EntryPoint, AcceptsPlainPathsOnly) {
  for (const char* good : {"train.py", "a/b.sh", ".hidden", "a+b/c-d_e.py"})
    EXPECT_FALSE(entry_point_fault(good)) << good;
  for (const char* bad :
       {"", "/a.py", "-a.py", "+a.py", "a b.py", "a//b", "a/", "../a", "a/./b", "a;b", "\xc3\xa9.py"})
    EXPECT_TRUE(entry_point_fault(bad)) << bad;
}

TEST(EntryPoint, QuotesForTheShell) {
  const auto argv = script_command(EntryKind::kCommand, "python", "run.sh", {"--a", "it's", "", "$x"});
  EXPECT_EQ(argv, (std::vector<std::string>{"/bin/sh", "-c", "./run.sh --a 'it'\"'\"'s' '' '$x'"}));
}

TEST(ErrorCapture, StartsAtTheLineThatNamesTheError) {
  ErrorCapture capture("ExecuteUserScriptError");
  capture.line(ErrorCapture::kOut, "working");
  capture.line(ErrorCapture::kErr, "Traceback (most recent call last):");
  capture.line(ErrorCapture::kErr, "AttributeError: no model_dir");
  capture.line(ErrorCapture::kErr, "  after: ");
  capture.line(ErrorCapture::kErr, "  after: ");
  EXPECT_EQ(capture.text(), "AttributeError: no model_dir\n after");
}

TEST(ErrorCapture, KeepsLittleOfALongOutput) {
  ErrorCapture capture("X");
  capture.line(ErrorCapture::kErr, "ValueError");
  for (int i = 0; i < 100000; ++i) capture.line(ErrorCapture::kErr, "line " + std::to_string(i));
  EXPECT_LT(capture.text().size(), 300u * 1024);
}

TEST(Utf8, ReplacesEachIllFormedPartOnce) {
  EXPECT_EQ(valid_utf8("a\xe2\x82x\xff"), "a\xef\xbf\xbdx\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_TRUE(is_utf8("plain \xf0\x9f\x98\x80"));
  EXPECT_FALSE(is_utf8("\xc0\xaf"));
  EXPECT_EQ(first_code_points("\xc3\xa9\xc3\xa9x", 2), "\xc3\xa9\xc3\xa9");
}

/// A tar in memory; `add` by name, kind and link.
class TarFile {
 public:
  TarFile() : out_(archive_write_new()) {
    archive_write_set_format_ustar(out_);
    archive_write_add_filter_gzip(out_);
    archive_write_open_memory(out_, bytes_.data(), bytes_.size(), &used_);
  }
  TarFile& add(const char* name, unsigned type, const std::string& content, const char* hard = nullptr) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0644);
    if (type == AE_IFLNK) archive_entry_set_symlink(entry, content.c_str());
    if (hard) archive_entry_set_hardlink(entry, hard);
    const bool has_bytes = type == AE_IFREG && !hard;
    archive_entry_set_size(entry, has_bytes ? static_cast<la_int64_t>(content.size()) : 0);
    archive_write_header(out_, entry);
    if (has_bytes) archive_write_data(out_, content.data(), content.size());
    archive_entry_free(entry);
    return *this;
  }
  std::string finish() {
    archive_write_free(out_);
    return bytes_.substr(0, used_);
  }

 private:
  std::string bytes_ = std::string(1 << 20, '\0');
  std::size_t used_ = 0;
  archive* out_;
};

class UnpackTest : public testing::Test {
 protected:
  TempFolder folder_ = *TempFolder::make(fs::temp_directory_path(), "unpack-");
  std::string code_ = (folder_.path() / "code").string();
  std::vector<std::string> warnings_;
  Status unpack(const std::string& bytes, const UnpackLimits& limits = {}) {
    return unpack_bytes(
        bytes, code_, [this](const std::string& text) { warnings_.push_back(text); }, limits);
  }
};

TEST_F(UnpackTest, KeepsEveryMemberInsideTheFolder) {
  ASSERT_TRUE(write_file(folder_.path() / "outside", "untouched"));
  const auto done = unpack(TarFile()
                               .add("train.py", AE_IFREG, "ok")
                               .add("../outside", AE_IFREG, "evil")
                               .add((folder_.path() / "absolute").c_str(), AE_IFREG, "evil")
                               .add("a/../../outside", AE_IFREG, "evil")
                               .finish());
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(*read_file(code_ + "/train.py"), "ok");
  EXPECT_EQ(*read_file(folder_.path() / "outside"), "untouched");
  EXPECT_FALSE(fs::exists(folder_.path() / "absolute"));
}

TEST_F(UnpackTest, LeavesOutLinksThatLeadAway) {
  ASSERT_TRUE(write_file(folder_.path() / "secret", "s"));
  const auto done = unpack(TarFile()
                               .add("up", AE_IFLNK, "..")
                               .add("up/secret", AE_IFREG, "evil")
                               .add("etc", AE_IFLNK, "/etc")
                               .add("hard", AE_IFREG, "", "../secret")
                               .add("real", AE_IFREG, "r")
                               .add("alias", AE_IFLNK, "real")
                               .finish());
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(*read_file(folder_.path() / "secret"), "s");
  EXPECT_FALSE(fs::is_symlink(code_ + "/up"));
  EXPECT_FALSE(fs::exists(code_ + "/etc"));
  EXPECT_EQ(*read_file(code_ + "/alias"), "r");
  EXPECT_GE(warnings_.size(), 2u);
}

TEST_F(UnpackTest, ALinkMadeEarlierDoesNotLeadALaterMemberOut) {
  const auto done = unpack(TarFile()
                               .add("d/x", AE_IFREG, "1")
                               .add("l", AE_IFLNK, "d")
                               .add("d", AE_IFLNK, "..")
                               .add("l/planted", AE_IFREG, "evil")
                               .finish());
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_FALSE(fs::exists(folder_.path() / "planted"));
}

TEST_F(UnpackTest, LinksMayLeadAnywhereWhereThatIsAskedForAndNothingIsWrittenThroughThem) {
  const auto done = unpack(TarFile()
                               .add("mine", AE_IFLNK, "/opt/ml/model/real")
                               .add("up", AE_IFLNK, "..")
                               .add("up/planted", AE_IFREG, "evil")
                               .finish(),
                           {.links_anywhere = true});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(fs::read_symlink(code_ + "/mine"), "/opt/ml/model/real");
  EXPECT_EQ(fs::read_symlink(code_ + "/up"), "..");
  EXPECT_FALSE(fs::exists(folder_.path() / "planted"));
}

TEST_F(UnpackTest, LimitsBytesAndMembers) {
  const std::string tar =
      TarFile().add("a", AE_IFREG, std::string(1000, 'x')).add("b", AE_IFREG, "y").finish();
  EXPECT_EQ(unpack(tar, {.bytes = 500}).error().kind(), ErrorKind::kNoSpace);
  EXPECT_EQ(unpack(tar, {.entries = 1}).error().kind(), ErrorKind::kNoSpace);
}

TEST_F(UnpackTest, RefusesWhatIsNoArchive) {
  EXPECT_FALSE(unpack("certainly no tar"));
  const std::string tar = TarFile().add("a", AE_IFREG, std::string(100000, 'x')).finish();
  EXPECT_FALSE(unpack(tar.substr(0, tar.size() / 2)));
}

}  // namespace
}  // namespace sagelet::script_mode
