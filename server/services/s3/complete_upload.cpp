// CompleteMultipartUpload: the parts become the object as they lie, so it takes no longer for a large one.
#include <algorithm>

#include "fmt/format.h"
#include "server/services/s3/encryption.hpp"
#include "server/services/s3/s3.hpp"
#include "server/services/s3/versions.hpp"
#include "server/storage/version_rows.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::uint64_t kLeastPart = 5ull << 20;
constexpr std::size_t kMostParts = 10'000;
/// In an object's properties: which upload it was, so that a repeated Complete finds its own work.
constexpr std::string_view kUploadProperty = "upload";

struct Asked {
  std::string bucket, key, id;
  std::vector<std::pair<std::uint32_t, std::string>> parts;   ///< number, ETag
  std::vector<std::optional<StoredChecksum>> part_checksums;  ///< by position
  std::optional<StoredChecksum> checksum;                     ///< of the whole, to compare with
  std::string checksum_type;
  std::optional<std::uint64_t> size;
  WriteConditions conditions;
  const Document* params;  ///< of the request: the customer's key is among them
};

Reply<void> add_part(Asked& asked, const Document& part) {
  const auto number = part.find("PartNumber");
  const auto etag = part.find("ETag");
  if (number == part.end() || !number->is_number_integer() || etag == part.end())
    return errors::malformed_xml();
  const auto value = number->get<std::int64_t>();
  if (value < 1 || value > static_cast<std::int64_t>(kMostParts))
    return errors::invalid_argument("PartNumber must be >= 1 and <= 10000", "partNumber",
                                    std::to_string(value));
  if (!asked.parts.empty() && value < asked.parts.back().first) return errors::invalid_part_order(asked.id);
  if (!asked.parts.empty() && value == asked.parts.back().first) {  // named again: the last one counts
    asked.parts.pop_back();
    asked.part_checksums.pop_back();
  }
  asked.parts.emplace_back(static_cast<std::uint32_t>(value), unquoted(etag->get_ref<const std::string&>()));
  TRY(auto checksum, given_checksum(part));
  asked.part_checksums.push_back(std::move(checksum));
  return {};
}

Reply<Asked> asked_from(const Input& in) {
  Asked asked{
      in.text("Bucket"), in.text("Key"), in.text("UploadId"), {}, {}, {}, in.text("ChecksumType"), {}, {},
      &in.params};
  const auto upload = in.params.find("MultipartUpload");
  if (upload == in.params.end() || !upload->contains("Parts") || upload->at("Parts").empty())
    return errors::malformed_xml();
  for (const auto& part : upload->at("Parts")) TRY(add_part(asked, part));
  TRY(asked.checksum, given_checksum(in.params));
  if (in.has("MpuObjectSize")) asked.size = static_cast<std::uint64_t>(in.number("MpuObjectSize", 0));
  asked.conditions = WriteConditions::from(in.params);
  return asked;
}

/// The stored parts that were asked for, in order. InvalidPart, EntityTooSmall.
Reply<std::vector<storage::PartRow>> chosen_parts(const Asked& asked,
                                                  const std::vector<storage::PartRow>& stored,
                                                  const std::optional<StoredChecksum>& planned) {
  std::vector<storage::PartRow> chosen;
  auto at = stored.begin();
  for (std::size_t i = 0; i < asked.parts.size(); ++i) {
    const auto& [number, etag] = asked.parts[i];
    while (at != stored.end() && at->number < number) ++at;
    const bool there = at != stored.end() && at->number == number && at->etag == etag;
    const auto& sum = asked.part_checksums[i];
    const bool same =
        there && (!sum || !planned || (sum->kind == planned->kind && sum->value == at->checksum));
    if (!same) return errors::invalid_part(asked.id, number, etag);
    if (i + 1 < asked.parts.size() && at->size < kLeastPart)
      return errors::entity_too_small(at->size, kLeastPart, number, etag);
    chosen.push_back(*at);
  }
  return chosen;
}

std::string joined_etag(const std::vector<storage::PartRow>& parts) {
  Digest md5(DigestKind::kMd5);
  for (const auto& part : parts) {
    std::string raw;
    (void)from_hex(part.etag, raw);
    md5.update(raw);
  }
  return fmt::format("{}-{}", to_hex(md5.finish()), parts.size());
}

/// The whole's checksum as planned. BadDigest when the request promised another.
Reply<std::string> joined_checksum(const Asked& asked, const std::vector<storage::PartRow>& parts,
                                   const std::optional<StoredChecksum>& planned) {
  if (!planned) return std::string();
  if (!asked.checksum_type.empty() && asked.checksum_type != planned->type())
    return errors::invalid_request(fmt::format(
        "The upload was created using the {} checksum mode. The complete request must use the same checksum "
        "mode.",
        planned->type()));
  std::vector<PartChecksum> sums;
  for (const auto& part : parts) sums.push_back({part.checksum, part.size});
  const auto value = join_checksums(planned->kind, planned->composite, sums);
  if (!value) return std::string();
  if (asked.checksum && asked.checksum->kind == planned->kind) {
    // A composite value may come without its "-<parts>".
    const bool same = asked.checksum->value == *value ||
                      (planned->composite && value->starts_with(asked.checksum->value + "-"));
    if (!same) return errors::bad_checksum(algorithm_name(planned->kind));
  }
  return StoredChecksum{planned->kind, planned->composite, *value}.text();
}

Reply<storage::ObjectRow> assembled(const Asked& asked, const storage::UploadRow& upload,
                                    const std::vector<storage::PartRow>& stored, WallTime now) {
  const auto planned = StoredChecksum::from(upload.checksum);
  TRY(const auto parts, chosen_parts(asked, stored, planned));
  storage::ObjectRow row;
  row.key = asked.key;
  row.modified = now;
  row.etag = joined_etag(parts);
  TRY(row.checksum, joined_checksum(asked, parts, planned));
  row.storage_class = upload.storage_class;
  auto properties = storage::unpack(upload.properties);
  properties.emplace_back(kUploadProperty, asked.id);
  row.properties = storage::pack(properties);
  row.tags = upload.tags;
  std::vector<storage::PartRef> refs;
  for (const auto& part : parts) {
    refs.push_back({part.number, part.size, part.body, part.checksum});
    row.size += part.size;
  }
  row.parts = storage::pack_parts(refs);
  if (asked.size && *asked.size != row.size)
    return errors::invalid_request(fmt::format(
        "The provided 'x-amz-mp-object-size' header value {} does not match what was computed: {}",
        *asked.size, row.size));
  return row;
}

std::vector<storage::BodyId> bodies_of(const storage::ObjectRow& row) {
  std::vector<storage::BodyId> bodies;
  for (const auto& part : storage::unpack_parts(row.parts)) bodies.push_back(part.body);
  std::sort(bodies.begin(), bodies.end());
  return bodies;
}

/// A Complete that succeeded before, sent again because its answer was lost.
bool already_done(const std::optional<storage::ObjectRow>& row, const std::string& id) {
  return row && storage::find(storage::unpack(row->properties), kUploadProperty) == id;
}

/// Headers that this operation's model does not have.
void show_customer_key(Output& output) {
  for (const auto& [member, header] :
       {std::pair("SSECustomerAlgorithm", "algorithm"), std::pair("SSECustomerKeyMD5", "key-MD5")})
    if (const auto shown = output.fields.find(member); shown != output.fields.end())
      output.headers.emplace_back(std::string("x-amz-server-side-encryption-customer-") + header,
                                  shown->get<std::string>());
}

/// Inside the transaction: the object that the upload became, `version` of its key.
Result<storage::ObjectRow> complete(Connection& db, const storage::Bucket& bucket, const Asked& asked,
                                    WallTime now, const std::string& version, Freed& freed,
                                    const errors::Refusal& refusal) {
  TRY(const auto upload, storage::find_upload(db, bucket.id, asked.key, asked.id));
  TRY(auto old, storage::find_object(db, bucket.id, asked.key));
  if (!upload && already_done(old, asked.id)) return std::move(*old);
  if (!upload) return refusal.with(errors::no_such_upload(asked.id));
  const auto key_fits =
      check_upload_key(storage::unpack(upload->properties), *asked.params, !upload->checksum.empty());
  if (!key_fits) return refusal.with(key_fits.error());
  TRY(asked.conditions.check(old ? &*old : nullptr, asked.key, refusal));
  TRY(const auto stored, storage::parts_of(db, asked.id, 0, kMostParts));
  auto row = assembled(asked, *upload, stored, now);
  if (!row) return refusal.with(std::move(row).error());
  row->version = version;
  row->extras = with_initiator(upload->extras, {});
  TRY(storage::delete_upload(db, bucket.id, asked.key, asked.id, bodies_of(*row), freed));
  TRY(storage::put_version(db, bucket, *row, freed));
  return std::move(*row);
}

}  // namespace

Reply<Output> S3Service::complete_multipart_upload(Context& context, Input in) {
  TRY(const auto permit, permitted(context, in.params, action::kPutObject));
  const auto& bucket = permit.bucket;
  TRY(const auto asked, asked_from(in));
  const errors::Refusal refusal;
  const auto version = new_version(bucket);
  storage::ObjectRow row;
  const auto note = noting(context, bucket.name);
  const auto ticket = objects_.commit([&](Connection& db, storage::BodyId, Freed& freed) -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    TRY(check_version(now, version, refusal));
    TRY(row, complete(db, now, asked, context.now(), version, freed, refusal));
    return note.created(db, now, "ObjectCreated:CompleteMultipartUpload", row);
  });
  TRY(done(refusal, outbox_.waking(bucket.name, ticket)));
  Output output;
  auto& fields = output.fields;
  fields["Location"] = fmt::format("{}/{}/{}", context.base_url, asked.bucket, url_encoded(asked.key));
  fields["Bucket"] = asked.bucket;
  fields["Key"] = asked.key;
  fields["ETag"] = quoted_etag(row.etag);
  if (const auto checksum = StoredChecksum::from(row.checksum)) show_checksum(fields, *checksum);
  show_encryption(fields, storage::unpack(row.properties), in.params);
  show_customer_key(output);
  show_new_version(fields, row.version);
  TRY(show_expiration(fields, bucket.name, row));
  return output;
}

}  // namespace sagelet::s3
