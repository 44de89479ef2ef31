#include "server/services/s3/encryption.hpp"

#include <algorithm>
#include <array>

#include "base/digest.hpp"
#include "nlohmann/json.hpp"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::string_view kCustomerKey = "customer-key";  ///< salt and digest in an object's properties
constexpr std::string_view kBucketKey = "BucketKeyEnabled";
constexpr std::string_view kKind = "ServerSideEncryption";
constexpr std::array<std::string_view, 5> kShown = {kKind, "SSEKMSKeyId", "SSEKMSEncryptionContext",
                                                    "SSECustomerAlgorithm", "SSECustomerKeyMD5"};
constexpr std::array<std::string_view, 3> kKinds = {"AES256", "aws:kms", "aws:kms:dsse"};
constexpr std::size_t kSaltBytes = 16, kKeyBytes = 32;

bool one_of(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string text_of(const Document& params, std::string_view prefix, std::string_view name) {
  const auto member =
      prefix.empty() ? params.find(name) : params.find(std::string(prefix) + std::string(name));
  return member != params.end() && member->is_string() ? member->get<std::string>() : std::string();
}

api::Error bad_key(std::string_view member, std::string_view message) {
  return errors::invalid_argument(message, "x-amz-server-side-encryption-customer-" + std::string(member));
}

api::Error key_must(std::string_view member, std::string_view what) {
  return bad_key(member,
                 "Requests specifying Server Side Encryption with Customer provided keys must provide " +
                     std::string(what));
}

/// The key's bytes when the request has one, whole and unharmed.
Reply<std::optional<std::string>> customer_key(const Document& params, std::string_view prefix) {
  const auto algorithm = text_of(params, prefix, "SSECustomerAlgorithm");
  const auto encoded = text_of(params, prefix, "SSECustomerKey");
  const auto md5 = text_of(params, prefix, "SSECustomerKeyMD5");
  if (algorithm.empty() && encoded.empty() && md5.empty()) return std::optional<std::string>();
  if (algorithm != "AES256") return key_must("algorithm", "a valid encryption algorithm.");
  if (encoded.empty()) return key_must("key", "an appropriate secret key.");
  if (md5.empty()) return key_must("key-MD5", "the client calculated MD5 of the secret key.");
  std::string key;
  if (!from_base64(encoded, key) || key.size() != kKeyBytes)
    return bad_key("key", "The secret key was invalid for the specified algorithm.");
  if (to_base64(Digest::of(DigestKind::kMd5, key)) != md5)
    return bad_key("key-MD5", "The calculated MD5 hash of the key did not match the hash that was provided.");
  return std::optional(std::move(key));
}

std::string salted(std::string_view salt, std::string_view key) {
  return std::string(salt) + hmac_sha256(salt, key);
}

bool is_the_key(const storage::Pairs& properties, std::string_view key) {
  const auto kept = storage::find(properties, kCustomerKey);
  return equal_constant_time(kept, salted(kept.substr(0, kSaltBytes), key));
}

std::string new_salt(Ids& ids) {
  std::string salt;
  (void)from_hex(ids.hex(kSaltBytes), salt);
  return salt;
}

/// AWS encrypts everything: what nobody asked for is AES256.
storage::Pairs standing_encryption(const std::optional<std::string>& bucket_encryption) {
  if (!bucket_encryption) return {{std::string(kKind), "AES256"}};
  const auto rule = Document::parse(*bucket_encryption).at("Rules").at(0);
  const auto standard = rule.value("ApplyServerSideEncryptionByDefault", Document::object());
  storage::Pairs pairs = {{std::string(kKind), standard.value("SSEAlgorithm", "AES256")}};
  if (standard.contains("KMSMasterKeyID"))
    pairs.emplace_back("SSEKMSKeyId", standard.at("KMSMasterKeyID").get<std::string>());
  return pairs;
}

bool is_kms(std::string_view kind) {
  return kind.starts_with("aws:kms");
}

Reply<void> check_kind(const Document& params, bool customers) {
  const auto kind = text_of(params, "", kKind);
  if (!kind.empty() && customers)
    return errors::invalid_argument(
        "Server Side Encryption with Customer provided key is incompatible with the encryption method "
        "specified",
        "x-amz-server-side-encryption", kind);
  if (!kind.empty() && !one_of(kKinds, kind))
    return errors::invalid_argument("The encryption method specified is not supported",
                                    "x-amz-server-side-encryption", kind);
  if (!is_kms(kind) && params.contains("SSEKMSKeyId"))
    return errors::invalid_argument(
        "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : "
        "aws:kms",
        "x-amz-server-side-encryption", kind);
  return {};
}

}  // namespace

Reply<storage::Pairs> encryption_from(const Document& params,
                                      const std::optional<std::string>& bucket_encryption, Ids& ids) {
  TRY(const auto key, customer_key(params, ""));
  TRY(check_kind(params, key.has_value()));
  if (key) return storage::Pairs{{std::string(kCustomerKey), salted(new_salt(ids), *key)}};
  auto pairs = params.contains(kKind) ? storage::Pairs() : standing_encryption(bucket_encryption);
  for (const auto name : kShown)
    if (auto value = text_of(params, "", name); !value.empty()) pairs.emplace_back(name, std::move(value));
  if (params.value(kBucketKey, false)) pairs.emplace_back(kBucketKey, "true");
  return pairs;
}

Reply<void> check_customer_key(const storage::Pairs& properties, const Document& params,
                               std::string_view prefix) {
  TRY(const auto key, customer_key(params, prefix));
  if (!has_customer_key(properties)) {
    if (key) return errors::invalid_request("The encryption parameters are not applicable to this object.");
    return {};
  }
  if (!key)
    return errors::invalid_request(
        "The object was stored using a form of Server Side Encryption. The correct parameters must be "
        "provided to retrieve the object.");
  if (!is_the_key(properties, *key)) return errors::wrong_customer_key();
  return {};
}

Reply<void> check_upload_key(const storage::Pairs& properties, const Document& params, bool required) {
  TRY(const auto key, customer_key(params, ""));
  const bool encrypted = has_customer_key(properties);
  if (encrypted && !key && required)
    return errors::invalid_request(
        "The multipart upload initiate requested encryption. Subsequent part requests must include the "
        "appropriate encryption parameters.");
  if (!encrypted && key)
    return errors::invalid_request(
        "The multipart upload initiate did not request encryption. Please resend the request without sending "
        "encryption parameters.");
  if (key && !is_the_key(properties, *key))
    return errors::invalid_request(
        "The provided encryption parameters did not match the ones used originally.");
  return {};
}

Reply<void> check_no_encryption_asked(const http::Head* head) {
  if (head == nullptr || !head->headers.has("x-amz-server-side-encryption")) return {};
  return errors::invalid_argument("x-amz-server-side-encryption header is not supported for this operation.",
                                  "x-amz-server-side-encryption");
}

bool has_customer_key(const storage::Pairs& properties) {
  return !storage::find(properties, kCustomerKey).empty();
}

std::string etag_under(const storage::Pairs& properties, std::string md5_hex) {
  const auto kept = storage::find(properties, kCustomerKey);
  if (kept.empty()) return md5_hex;
  return to_hex(Digest::of(DigestKind::kMd5, std::string(kept) + md5_hex));
}

void show_encryption(Document& fields, const storage::Pairs& properties, const Document& params) {
  for (const auto& [name, value] : properties) {
    if (name == kBucketKey) {
      fields[name] = value == "true";
    } else if (name == kCustomerKey) {
      fields["SSECustomerAlgorithm"] = "AES256";
      if (auto md5 = text_of(params, "", "SSECustomerKeyMD5"); !md5.empty())
        fields["SSECustomerKeyMD5"] = std::move(md5);
    } else if (one_of(kShown, name)) {
      fields[name] = value;
    }
  }
}

Reply<Document> encryption_configuration_from(const Document& params) {
  const auto given = params.find("ServerSideEncryptionConfiguration");
  if (given == params.end() || !given->contains("Rules") || given->at("Rules").size() != 1)
    return errors::malformed_xml();
  const auto& rule = given->at("Rules").at(0);
  const auto standard = rule.find("ApplyServerSideEncryptionByDefault");
  if (standard == rule.end()) return *given;
  const auto kind = standard->value("SSEAlgorithm", "");
  if (!one_of(kKinds, kind)) return errors::malformed_xml();
  if (standard->contains("KMSMasterKeyID") && !is_kms(kind))
    return errors::invalid_argument(
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse");
  return *given;
}

Document default_encryption_configuration() {
  return {{"Rules",
           {{{"ApplyServerSideEncryptionByDefault", {{"SSEAlgorithm", "AES256"}}},
             {"BucketKeyEnabled", false}}}}};
}

}  // namespace sagelet::s3
