#include "base/authorities.hpp"

#include "base/test_folder.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sagelet {
namespace {

using testing::ElementsAre;
using Environment = std::map<std::string, std::string>;

class AuthoritiesInForce : public testing::Test {
 protected:
  const TestFolder home_;
};

TEST_F(AuthoritiesInForce, ThoseInForceBeforeComeFirstEachOnce) {
  const auto corp = home_.file("corp.pem", "CORP"), other = home_.file("other.pem", "OTHER");
  const Environment base{{"AWS_CA_BUNDLE", corp},
                         {"SSL_CERT_FILE", corp},
                         {"CURL_CA_BUNDLE", other},
                         {"REQUESTS_CA_BUNDLE", "/no/such.pem"}};
  EXPECT_THAT(authority_files(base), ElementsAre(corp, other));
  EXPECT_EQ(bundle_text(base, "OURS\n"), "CORP\nOTHER\nOURS\n");
}

TEST_F(AuthoritiesInForce, ElseCertifisOfTheActivePython) {
  const auto certifi = home_.file("venv/lib/python3.11/site-packages/certifi/cacert.pem", "CERTIFI\n");
  EXPECT_THAT(authority_files({{"VIRTUAL_ENV", home_ / "venv"}}), ElementsAre(certifi));
  (void)write_file(home_.file("venv/bin/python3", ""), "", false, 0755);
  EXPECT_THAT(authority_files({{"PATH", "/no/where:" + (home_ / "venv/bin")}}), ElementsAre(certifi));
}

TEST_F(AuthoritiesInForce, ElseTheSystems) {
  if (!fs::exists("/etc/ssl/certs/ca-certificates.crt")) GTEST_SKIP() << "this system keeps them elsewhere";
  EXPECT_THAT(authority_files({}), ElementsAre("/etc/ssl/certs/ca-certificates.crt"));
}

}  // namespace
}  // namespace sagelet
