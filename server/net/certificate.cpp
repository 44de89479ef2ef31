#include "server/net/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <vector>

namespace sagelet::net {

namespace {

constexpr long kDay = 24 * 60 * 60;
constexpr long kAuthorityTime = 3650 * kDay;
constexpr long kLeafTime = 365 * kDay;
constexpr long kBackdated = kDay;  ///< clocks of containers and virtual machines lag

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioDeleter>;

struct ExtensionText {
  int nid;
  std::string text;
};

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, and always 16 bytes
  BIGNUM* number = BN_bin2bn(bytes.data(), bytes.size(), nullptr);
  const bool done =
      number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return done;
}

bool set_subject(X509* certificate, std::string_view name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  // A common name has at most 64 characters; what counts is the alternative name.
  const std::string text(name.substr(0, 64));
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, const ExtensionText& extension) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, extension.nid, extension.text.c_str());
  if (made == nullptr) return false;
  const bool added = X509_add_ext(certificate, made, -1) == 1;
  X509_EXTENSION_free(made);
  return added;
}

/// Everything but the times; `issuer` is the certificate itself for a self-signed one.
bool fill(X509* certificate, std::string_view name, EVP_PKEY* key, X509* issuer,
          const std::vector<ExtensionText>& extensions) {
  if (X509_set_version(certificate, X509_VERSION_3) != 1 || !set_serial(certificate)) return false;
  if (!set_subject(certificate, name) || X509_set_pubkey(certificate, key) != 1) return false;
  if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1) return false;
  for (const ExtensionText& extension : extensions)
    if (!add_extension(certificate, issuer, extension)) return false;
  return true;
}

bool set_times(X509* certificate, long seconds, const ASN1_TIME* not_beyond) {
  if (X509_gmtime_adj(X509_getm_notBefore(certificate), -kBackdated) == nullptr) return false;
  if (X509_gmtime_adj(X509_getm_notAfter(certificate), seconds) == nullptr) return false;
  if (not_beyond == nullptr || ASN1_TIME_compare(X509_get0_notAfter(certificate), not_beyond) <= 0)
    return true;
  return X509_set1_notAfter(certificate, not_beyond) == 1;
}

std::string bytes_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

BioPtr reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool is_address(std::string_view host) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(std::string(host).c_str());
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return address != nullptr;
}

/// The host becomes part of an extension's configuration text: nothing in it may mean anything there.
bool is_plain_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  return host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._:") == std::string_view::npos;
}

}  // namespace

Error openssl_error(std::string_view what) {
  std::array<char, 200> text{};
  const unsigned long code = ERR_get_error();
  if (code != 0) ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return {ErrorKind::kInternal,
          std::string(what) + ": " + (code != 0 ? text.data() : "OpenSSL says no reason")};
}

Result<KeyPtr> make_key() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return openssl_error("making a key");
  return key;
}

Result<CertificatePtr> make_authority_certificate(EVP_PKEY* key) {
  CertificatePtr certificate(X509_new());
  const std::vector<ExtensionText> extensions{
      {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
      {NID_key_usage, "critical,keyCertSign,cRLSign"},
      {NID_subject_key_identifier, "hash"},
      {NID_authority_key_identifier, "keyid:always"},
      {NID_name_constraints, "critical,permitted;DNS:amazonaws.com,permitted;DNS:amazonaws.com.cn"},
  };
  if (!certificate ||
      !fill(certificate.get(), "Sagelet local authority", key, certificate.get(), extensions) ||
      !set_times(certificate.get(), kAuthorityTime, nullptr) ||
      X509_sign(certificate.get(), key, EVP_sha256()) == 0)
    return openssl_error("making the authority's certificate");
  return certificate;
}

Result<CertificatePtr> make_leaf_certificate(std::string_view host, EVP_PKEY* leaf_key, X509* authority,
                                             EVP_PKEY* authority_key) {
  if (!is_plain_name(host)) return Error(ErrorKind::kInvalid, "not a host name");
  CertificatePtr certificate(X509_new());
  const std::vector<ExtensionText> extensions{
      {NID_basic_constraints, "critical,CA:FALSE"},
      {NID_key_usage, "critical,digitalSignature"},
      {NID_ext_key_usage, "serverAuth"},
      {NID_subject_alt_name, (is_address(host) ? "IP:" : "DNS:") + std::string(host)},
      {NID_subject_key_identifier, "hash"},
      {NID_authority_key_identifier, "keyid:always"},
  };
  if (!certificate || !fill(certificate.get(), host, leaf_key, authority, extensions) ||
      !set_times(certificate.get(), kLeafTime, X509_get0_notAfter(authority)) ||
      X509_sign(certificate.get(), authority_key, EVP_sha256()) == 0)
    return openssl_error("making a certificate");
  return certificate;
}

Result<std::string> to_pem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return openssl_error("writing a key");
  return bytes_of(bio.get());
}

Result<std::string> to_pem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) return openssl_error("writing a certificate");
  return bytes_of(bio.get());
}

Result<KeyPtr> key_of_pem(std::string_view pem) {
  KeyPtr key(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, nullptr, nullptr));
  if (!key) return openssl_error("reading a key");
  return key;
}

Result<CertificatePtr> certificate_of_pem(std::string_view pem) {
  CertificatePtr certificate(PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) return openssl_error("reading a certificate");
  return certificate;
}

}  // namespace sagelet::net
