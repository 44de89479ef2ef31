// CopyObject. The bytes of one file are shared by a second link; only objects in parts are read through.
#include "server/services/s3/encryption.hpp"
#include "server/services/s3/properties.hpp"
#include "server/services/s3/s3.hpp"
#include "server/services/s3/tags.hpp"

namespace sagelet::s3 {

namespace {

bool replaces(const Input& in, std::string_view directive) {
  return in.text(directive) == "REPLACE";
}

Reply<void> check_directives(const Input& in) {
  for (const char* name : {"MetadataDirective", "TaggingDirective"}) {
    const auto& given = in.text(name);
    if (!given.empty() && given != "COPY" && given != "REPLACE")
      return errors::invalid_argument(
          std::string("Unknown ") + (name[0] == 'M' ? "metadata" : "tagging") + " directive.",
          name[0] == 'M' ? "x-amz-metadata-directive" : "x-amz-tagging-directive", given);
  }
  return {};
}

/// Copying an object onto itself must change something but its bytes.
Reply<void> check_not_in_vain(const Input& in, const ObjectName& source) {
  if (!source.version.empty()) return {};  // an older version is brought back
  if (source.bucket != in.text("Bucket") || source.key != in.text("Key")) return {};
  if (replaces(in, "MetadataDirective")) return {};
  for (const char* change :
       {"StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption", "SSECustomerAlgorithm"})
    if (in.has(change)) return {};
  return errors::invalid_request(
      "This copy request is illegal because it is trying to copy an object to itself without changing the "
      "object's "
      "metadata, storage class, website redirect location or encryption attributes.");
}

/// The copy's ETag and checksum: the source's while its bytes are one body, computed where they are not (or
/// where the source's ETag is no MD5).
struct CopiedBytes {
  storage::Staged staged;
  std::string etag;
  std::string checksum;
};

Reply<CopiedBytes> copy_bytes(storage::ObjectStore& objects, const storage::OpenObject& source,
                              std::optional<ChecksumKind> wanted, bool keeps_etag) {
  const auto stored = StoredChecksum::from(source.row.checksum);
  if (!wanted && stored) wanted = stored->kind;
  const bool keeps_checksum = !wanted || (stored && stored->kind == *wanted && !stored->composite);
  CopiedBytes copy;
  if (source.parts.empty() && keeps_checksum && keeps_etag) {
    TRY(copy.staged, errors::lift(objects.stage_again(source, nullptr)));
    copy.etag = source.row.etag;
    copy.checksum = source.row.checksum;
    return copy;
  }
  Digest md5(DigestKind::kMd5);
  std::optional<Checksum> checksum;
  if (wanted) checksum.emplace(*wanted);
  const auto seen = [&](std::string_view bytes) {
    md5.update(bytes);
    if (checksum) checksum->update(bytes);
  };
  TRY(copy.staged, errors::lift(objects.stage_range(source, 0, source.row.size, seen)));
  copy.etag = to_hex(md5.finish());
  if (checksum) copy.checksum = StoredChecksum{*wanted, false, to_base64(checksum->finish())}.text();
  return copy;
}

Reply<storage::Pairs> copied_properties(const Input& in, const storage::ObjectRow& source,
                                        storage::Pairs asked) {
  if (replaces(in, "MetadataDirective")) return asked;
  auto properties = content_properties(storage::unpack(source.properties));
  for (const auto& pair : asked) {
    const bool from_request = pair.first == "WebsiteRedirectLocation" || content_properties({pair}).empty();
    if (from_request) properties.push_back(pair);
  }
  return properties;
}

Document describe(const storage::ObjectRow& row) {
  Document result;
  result["ETag"] = quoted_etag(row.etag);
  result["LastModified"] = to_epoch_seconds(row.modified);
  if (const auto checksum = StoredChecksum::from(row.checksum)) show_checksum(result, *checksum);
  return result;
}

/// The copy's record; the body's number comes with the commit.
Reply<storage::ObjectRow> copied_row(const Context& context, const Input& in,
                                     const storage::ObjectRow& source, const CopiedBytes& copy,
                                     const storage::Pairs& properties) {
  storage::ObjectRow row;
  row.key = in.text("Key");
  row.size = source.size;
  row.modified = context.now();
  row.etag = etag_under(properties, copy.etag);
  row.checksum = copy.checksum;
  TRY(row.storage_class, storage_class_from(in.params));
  row.properties = storage::pack(properties);
  row.tags = source.tags;
  if (replaces(in, "TaggingDirective")) {
    TRY(const auto tags, tags_from_header(in.text("Tagging")));
    row.tags = storage::pack(tags);
  }
  return row;
}

Reply<ObjectName> source_of(const Input& in) {
  auto name = parse_copy_source(in.text("CopySource"));
  if (!name)
    return errors::invalid_argument(
        "Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source",
        in.text("CopySource"));
  return std::move(*name);
}

}  // namespace

Reply<Output> S3Service::copy_object(Context& context, Input in) {
  TRY(check_key(in.text("Key")));
  TRY(check_directives(in));
  TRY(const auto name, source_of(in));
  TRY(auto target, writable(context, in.params));
  TRY(check_not_in_vain(in, name));
  TRY(const auto source,
      open(context, in.params, name, action::kGetObject, Want::kBytes, "ExpectedSourceBucketOwner"));
  const auto source_properties = storage::unpack(source.row.properties);
  TRY(check_customer_key(source_properties, in.params, "CopySource"));
  TRY(ReadConditions::from(in.params, "CopySource").check(source.row, true));
  if (source.row.size > kMostBytes)
    return errors::invalid_request(
        "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120");
  TRY(const auto wanted, named_algorithm(in.params));
  TRY(auto copy, copy_bytes(objects_, source, wanted, !has_customer_key(source_properties)));
  TRY(auto asked, properties_from(in.params, target.encryption, ids_));
  TRY(const auto properties, copied_properties(in, source.row, std::move(asked)));
  TRY(auto row, copied_row(context, in, source.row, copy, properties));

  TRY(const auto locks, locks_for_new(in.params, target.object_lock, row.modified));
  row.extras = target.acl.put_into(locks.put_into({}));

  Output output;
  output.fields["CopyObjectResult"] = describe(row);
  if (source.permit.bucket.versioning != storage::Versioning::kNever)
    output.fields["CopySourceVersionId"] = shown_version(source.row.version);
  show_encryption(output.fields, properties, in.params);
  return put_row(context, "ObjectCreated:Copy", std::move(output), std::move(target.permit), std::move(row),
                 std::move(copy.staged), WriteConditions::from(in.params));
}

}  // namespace sagelet::s3
