#include "server/net/authority.hpp"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <set>
#include <thread>
#include <vector>

#include "base/child.hpp"
#include "base/fs.hpp"
#include "gtest/gtest.h"
#include "server/net/certificate.hpp"
#include "server/net/server.hpp"

namespace sagelet::net {
namespace {

class AuthorityTest : public ::testing::Test {
 protected:
  TempFolder folder = *TempFolder::make(fs::temp_directory_path(), "net-authority");
};

/// How strictly a verifier of our days looks at it: 0 or OpenSSL's error.
int verify_strictly(X509* leaf, X509* authority, const char* host) {
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, authority);
  X509_STORE_set_flags(store, X509_V_FLAG_X509_STRICT);
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf, nullptr);
  X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(context), host, 0);
  X509_verify_cert(context);
  const int error = X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return error;
}

struct Made {
  KeyPtr key = *make_key();
  CertificatePtr certificate = *make_authority_certificate(key.get());
  KeyPtr leaf_key = *make_key();
  CertificatePtr leaf(std::string_view host) const {
    return *make_leaf_certificate(host, leaf_key.get(), certificate.get(), key.get());
  }
};

TEST_F(AuthorityTest, MakesItsFilesOnce) {
  const auto first = ensure_authority(folder.path() / "deep" / "er");
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(*ensure_authority(folder.path() / "deep" / "er"), *first);
  EXPECT_EQ(*read_file(folder.path() / "deep/er/ca.pem"), *first);
  struct stat status {};
  ASSERT_EQ(::stat((folder.path() / "deep/er/ca.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "deep/er"))
    files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, 2u) << "temporary files were left behind";
}

TEST_F(AuthorityTest, RacersAgreeOnOne) {
  std::vector<std::thread> threads;
  std::vector<std::string> texts(8);
  for (std::string& text : texts)
    threads.emplace_back([&] { text = ensure_authority(folder.path()).value_or("none"); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(texts.begin(), texts.end()).size(), 1u);
  EXPECT_EQ(*ensure_authority(folder.path()), texts[0]);
}

TEST_F(AuthorityTest, SaysWhatToDoAboutFilesThatDoNotFit) {
  ASSERT_TRUE(ensure_authority(folder.path()));
  ASSERT_TRUE(write_file(folder.path() / "ca.key", *to_pem(make_key()->get())));
  const auto broken = ensure_authority(folder.path());
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message().find("remove " + folder.path().string()), std::string::npos);
  ASSERT_TRUE(write_file(folder.path() / "ca.key", "not a key"));
  EXPECT_FALSE(ensure_authority(folder.path()));
}

TEST_F(AuthorityTest, LivesInMemoryWithoutAFolder) {
  Authority authority("");
  EXPECT_EQ(*authority.certificate(), *authority.certificate());
  EXPECT_TRUE(authority.accept_as("sts.us-east-1.amazonaws.com"));
}

TEST_F(AuthorityTest, RefusesNamesThatAreNone) {
  Authority authority("");
  for (const auto* bad : {"", "a b.amazonaws.com", "x,DNS:evil.com", "x\n"})
    EXPECT_FALSE(authority.accept_as(bad));
}

TEST(Certificates, PassAStrictVerifier) {
  const Made made;
  for (const auto* host : {"sts.us-east-1.amazonaws.com", "b.s3.cn-north-1.amazonaws.com.cn"})
    EXPECT_EQ(verify_strictly(made.leaf(host).get(), made.certificate.get(), host), X509_V_OK) << host;
}

TEST(Certificates, AreGoodForNoOtherNames) {
  const Made made;
  const CertificatePtr other = made.leaf("example.com");
  EXPECT_EQ(verify_strictly(other.get(), made.certificate.get(), "example.com"),
            X509_V_ERR_PERMITTED_VIOLATION);
  const CertificatePtr leaf = made.leaf("a.amazonaws.com");
  EXPECT_EQ(verify_strictly(leaf.get(), made.certificate.get(), "b.amazonaws.com"),
            X509_V_ERR_HOSTNAME_MISMATCH);
}

TEST(Certificates, CanBeMadeForLongNamesAndAddresses) {
  const Made made;
  const std::string host = std::string(63, 'b') + ".s3.us-east-1.amazonaws.com";
  EXPECT_EQ(verify_strictly(made.leaf(host).get(), made.certificate.get(), host.c_str()), X509_V_OK);
  EXPECT_TRUE(
      make_leaf_certificate("127.0.0.1", made.leaf_key.get(), made.certificate.get(), made.key.get()));
}

TEST(Certificates, LeavesEndBeforeTheirAuthority) {
  const Made made;
  const CertificatePtr leaf = made.leaf("a.amazonaws.com");
  EXPECT_LE(ASN1_TIME_compare(X509_get0_notAfter(leaf.get()), X509_get0_notAfter(made.certificate.get())), 0);
  CertificatePtr brief(X509_dup(made.certificate.get()));
  X509_gmtime_adj(X509_getm_notAfter(brief.get()), 3600);
  const CertificatePtr clipped =
      *make_leaf_certificate("a.amazonaws.com", made.leaf_key.get(), brief.get(), made.key.get());
  EXPECT_EQ(ASN1_TIME_compare(X509_get0_notAfter(clipped.get()), X509_get0_notAfter(brief.get())), 0);
}

TEST_F(AuthorityTest, PassesTheOpensslProgram) {
  const Made made;
  ASSERT_TRUE(write_file(folder.path() / "ca.pem", *to_pem(made.certificate.get())));
  ASSERT_TRUE(
      write_file(folder.path() / "leaf.pem", *to_pem(made.leaf("sts.us-east-1.amazonaws.com").get())));
  ChildOptions options;
  options.argv = {"openssl",
                  "verify",
                  "-x509_strict",
                  "-purpose",
                  "sslserver",
                  "-verify_hostname",
                  "sts.us-east-1.amazonaws.com",
                  "-CAfile",
                  folder.path() / "ca.pem",
                  folder.path() / "leaf.pem"};
  auto child = Child::start(options);
  if (!child) GTEST_SKIP() << "no openssl program here: " << child.error().message();
  EXPECT_TRUE(child->wait()->ok());
}

}  // namespace
}  // namespace sagelet::net
