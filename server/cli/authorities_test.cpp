#include "server/cli/authorities.hpp"

#include "base/fs.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class Authorities : public testing::Test {
 protected:
  std::string file(const std::string& name, std::string_view text) {
    const auto path = home_.path() / name;
    (void)make_folders(path.parent_path());
    (void)write_file(path, text);
    return path.native();
  }
  TempFolder home_ = *TempFolder::make(fs::temp_directory_path(), "authorities-");
};

TEST_F(Authorities, ThoseInForceBeforeComeFirstEachOnce) {
  const auto corp = file("corp.pem", "CORP"), other = file("other.pem", "OTHER");
  const Environment base{{"AWS_CA_BUNDLE", corp},
                         {"SSL_CERT_FILE", corp},
                         {"CURL_CA_BUNDLE", other},
                         {"REQUESTS_CA_BUNDLE", "/no/such.pem"}};
  EXPECT_THAT(authority_files(base), ElementsAre(corp, other));
  EXPECT_EQ(bundle_text(base, "OURS\n"), "CORP\nOTHER\nOURS\n");
}

TEST_F(Authorities, ElseCertifisOfTheActivePython) {
  const auto certifi = file("venv/lib/python3.11/site-packages/certifi/cacert.pem", "CERTIFI\n");
  EXPECT_THAT(authority_files({{"VIRTUAL_ENV", (home_.path() / "venv").native()}}), ElementsAre(certifi));
  (void)write_file(file("venv/bin/python3", ""), "", false, 0755);
  EXPECT_THAT(authority_files({{"PATH", "/no/where:" + (home_.path() / "venv/bin").native()}}),
              ElementsAre(certifi));
}

TEST_F(Authorities, ElseTheSystems) {
  if (!fs::exists("/etc/ssl/certs/ca-certificates.crt")) GTEST_SKIP() << "this system keeps them elsewhere";
  EXPECT_THAT(authority_files({}), ElementsAre("/etc/ssl/certs/ca-certificates.crt"));
}

TEST_F(Authorities, LieBesideTheServersOwnWhenThatIsTheServerThatAnswered) {
  const Environment base{{"SSL_CERT_FILE", file("corp.pem", "CORP\n")},
                         {"XDG_CACHE_HOME", (home_.path() / "cache").native()}};
  file("data/authority/ca.pem", "OURS\n");
  const auto data = (home_.path() / "data").native();
  const auto files = write_authorities(base, data, "OURS\n");
  ASSERT_TRUE(files);
  EXPECT_EQ(files->authority, data + "/authority/ca.pem");
  EXPECT_THAT(files->bundle, StartsWith(data + "/authority/bundle-"));
  EXPECT_EQ(*read_file(files->bundle), "CORP\nOURS\n");
  // A shell with other authorities has a file of its own.
  const auto others = write_authorities({{"SSL_CERT_FILE", file("other.pem", "OTHER\n")}}, data, "OURS\n");
  EXPECT_NE(others->bundle, files->bundle);
}

TEST_F(Authorities, LieInTheUsersCacheWhenTheServersFolderIsNotHere) {
  const Environment base{{"XDG_CACHE_HOME", (home_.path() / "cache").native()},
                         {"SSL_CERT_FILE", file("corp.pem", "CORP\n")}};
  file("data/authority/ca.pem", "ANOTHER SERVER'S\n");
  for (const std::string& data : {std::string("/no/such/folder"), (home_.path() / "data").native()}) {
    const auto files = write_authorities(base, data, "OURS\n");
    ASSERT_TRUE(files);
    EXPECT_THAT(files->bundle, StartsWith((home_.path() / "cache/sagelet/").native()));
    EXPECT_EQ(*read_file(files->authority), "OURS\n");
  }
  EXPECT_EQ(*read_file(home_.path() / "data/authority/ca.pem"), "ANOTHER SERVER'S\n");
}

}  // namespace
}  // namespace sagelet::cli
