#include "server/cli/authorities.hpp"

#include "base/test_folder.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::cli {
namespace {

using testing::StartsWith;

class Authorities : public testing::Test {
 protected:
  const TestFolder home_;
};

TEST_F(Authorities, LieBesideTheServersOwnWhenThatIsTheServerThatAnswered) {
  const Environment base{{"SSL_CERT_FILE", home_.file("corp.pem", "CORP\n")},
                         {"XDG_CACHE_HOME", home_ / "cache"}};
  home_.file("data/authority/ca.pem", "OURS\n");
  const auto data = home_ / "data";
  const auto files = write_authorities(base, data, "OURS\n");
  ASSERT_TRUE(files);
  EXPECT_EQ(files->authority, data + "/authority/ca.pem");
  EXPECT_THAT(files->bundle, StartsWith(data + "/authority/bundle-"));
  EXPECT_EQ(*read_file(files->bundle), "CORP\nOURS\n");
  // A shell with other authorities has a file of its own.
  const auto others =
      write_authorities({{"SSL_CERT_FILE", home_.file("other.pem", "OTHER\n")}}, data, "OURS\n");
  EXPECT_NE(others->bundle, files->bundle);
}

TEST_F(Authorities, LieInTheUsersCacheWhenTheServersFolderIsNotHere) {
  const Environment base{{"XDG_CACHE_HOME", home_ / "cache"},
                         {"SSL_CERT_FILE", home_.file("corp.pem", "CORP\n")}};
  home_.file("data/authority/ca.pem", "ANOTHER SERVER'S\n");
  for (const std::string& data : {std::string("/no/such/folder"), home_ / "data"}) {
    const auto files = write_authorities(base, data, "OURS\n");
    ASSERT_TRUE(files);
    EXPECT_THAT(files->bundle, StartsWith(home_ / "cache/sagelet/"));
    EXPECT_EQ(*read_file(files->authority), "OURS\n");
  }
  EXPECT_EQ(*read_file(home_.path() / "data/authority/ca.pem"), "ANOTHER SERVER'S\n");
}

}  // namespace
}  // namespace sagelet::cli
