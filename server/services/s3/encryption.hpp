#pragma once
// Encryption as clients see it: which kind an object has, and that a customer's key (SSE-C) is shown again by
// whoever reads. The bytes lie as they came. Of a key its salted digest is kept, never the key.
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "server/http/message.hpp"
#include "server/model/call.hpp"
#include "server/storage/pairs.hpp"

namespace sagelet::s3 {

/// The bucket setting that holds its ServerSideEncryptionConfiguration as JSON.
constexpr const char* kEncryptionSetting = "encryption";

/// What a new object keeps of it: as the request says, else the bucket's default (JSON), else AES256.
/// InvalidArgument for kinds that exclude each other and for a customer's key that is not whole.
Reply<storage::Pairs> encryption_from(const Document& params,
                                      const std::optional<std::string>& bucket_encryption, Ids& ids);

/// May a request read what has these properties? `prefix` is that of its members: "" or "CopySource".
/// InvalidRequest without the customer's key, or with one where none applies; AccessDenied with another.
Reply<void> check_customer_key(const storage::Pairs& properties, const Document& params,
                               std::string_view prefix = {});
/// May a request add to an upload that has these properties? Another key is InvalidRequest; a missing one
/// too, when `required`.
Reply<void> check_upload_key(const storage::Pairs& properties, const Document& params, bool required = true);
/// Reads name no kind of encryption.
Reply<void> check_no_encryption_asked(const http::Head* head);

bool has_customer_key(const storage::Pairs& properties);
/// As in AWS the ETag of what has a customer's key is no MD5 of its bytes.
std::string etag_under(const storage::Pairs& properties, std::string md5_hex);

/// `params` shows the MD5 of the customer's key, which is not kept.
void show_encryption(Document& fields, const storage::Pairs& properties, const Document& params);

/// A whole ServerSideEncryptionConfiguration, checked.
Reply<Document> encryption_configuration_from(const Document& params);
/// What every bucket has had since 2023 when nobody asked for more.
Document default_encryption_configuration();

}  // namespace sagelet::s3
