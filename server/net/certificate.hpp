#pragma once
// Making and reading of keys and certificates: owners for OpenSSL's objects and the two shapes of certificate
// we sign.
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sagelet::net {

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct CertificateDeleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;
using CertificatePtr = std::unique_ptr<X509, CertificateDeleter>;

/// What OpenSSL says is wrong, and nothing kept for the next call.
Error openssl_error(std::string_view what);

Result<KeyPtr> make_key();  ///< EC P-256

/// "Sagelet local authority": ten years, signs servers only and none but names under amazonaws.com(.cn).
Result<CertificatePtr> make_authority_certificate(EVP_PKEY* key);
/// A server's certificate for one host name or address: a year, but not beyond its authority.
Result<CertificatePtr> make_leaf_certificate(std::string_view host, EVP_PKEY* leaf_key, X509* authority,
                                             EVP_PKEY* authority_key);

Result<std::string> to_pem(EVP_PKEY* key);
Result<std::string> to_pem(X509* certificate);
Result<KeyPtr> key_of_pem(std::string_view pem);
Result<CertificatePtr> certificate_of_pem(std::string_view pem);

}  // namespace sagelet::net
