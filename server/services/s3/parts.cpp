// UploadPart, UploadPartCopy, ListParts.
#include <algorithm>

#include "server/services/s3/encryption.hpp"
#include "server/services/s3/list_page.hpp"
#include "server/services/s3/ranges.hpp"
#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::int64_t kMostPartNumber = 10'000;

Reply<std::uint32_t> part_number(const Input& in) {
  const auto number = in.number("PartNumber", 0);
  if (number < 1 || number > kMostPartNumber)
    return errors::invalid_argument("Part number must be an integer between 1 and 10000, inclusive",
                                    "partNumber", std::to_string(number));
  return static_cast<std::uint32_t>(number);
}

/// Into the upload, if that is still there.
Status put_part(Connection& db, std::int64_t bucket, const std::string& key, const std::string& id,
                const storage::PartRow& part, Freed& freed, const errors::Refusal& refusal) {
  TRY(const auto upload, storage::find_upload(db, bucket, key, id));
  if (!upload) return refusal.with(errors::no_such_upload(id));
  return storage::put_part(db, id, part, freed);
}

struct PartPage {
  std::string bucket;
  User initiator, owner;
  storage::UploadRow upload;
  std::vector<storage::PartRow> parts;
  std::int64_t marker = 0;
  std::size_t most = 1000;
  bool truncated = false;
};

void write_number(model::Writer& to, std::string_view member, std::int64_t value) {
  to.member(member);
  to.integer(value);
}

void write_part(model::Writer& to, const storage::PartRow& part,
                const std::optional<StoredChecksum>& planned) {
  to.begin_structure();
  write_number(to, "PartNumber", part.number);
  to.member("LastModified");
  to.time(part.modified);
  write_text(to, "ETag", quoted_etag(part.etag));
  write_number(to, "Size", static_cast<std::int64_t>(part.size));
  if (planned && !part.checksum.empty()) write_text(to, member_name(planned->kind), part.checksum);
  to.end_structure();
}

void write_page(model::Writer& to, const PartPage& page) {
  write_text(to, "Bucket", page.bucket);
  write_text(to, "Key", page.upload.key);
  write_text(to, "UploadId", page.upload.id);
  write_user(to, "Initiator", page.initiator);
  write_user(to, "Owner", page.owner);
  write_text(to, "StorageClass", page.upload.storage_class);
  write_number(to, "PartNumberMarker", page.marker);
  if (!page.parts.empty()) write_number(to, "NextPartNumberMarker", page.parts.back().number);
  write_number(to, "MaxParts", static_cast<std::int64_t>(page.most));
  to.member("IsTruncated");
  to.boolean(page.truncated);
  const auto planned = StoredChecksum::from(page.upload.checksum);
  if (planned) {
    write_text(to, "ChecksumAlgorithm", algorithm_name(planned->kind));
    write_text(to, "ChecksumType", planned->type());
  }
  to.member("Parts");
  to.begin_list();
  for (const auto& part : page.parts) write_part(to, part, planned);
  to.end_list();
}

void show_part_checksum(Document& fields, std::optional<ChecksumKind> kind, const std::string& value) {
  if (kind && !value.empty()) fields[std::string(member_name(*kind))] = value;
}

}  // namespace

/// Asked before the body is read.
Reply<S3Service::UploadPlan> S3Service::plan_of_upload(const storage::Bucket& bucket,
                                                       const Document& params) {
  const auto& id = params.at("UploadId").get_ref<const std::string&>();
  std::optional<storage::UploadRow> upload;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(upload, storage::find_upload(db, bucket.id, params.at("Key").get_ref<const std::string&>(), id));
    return {};
  })));
  if (!upload) return errors::no_such_upload(id);
  UploadPlan plan;
  plan.properties = storage::unpack(upload->properties);
  TRY(check_upload_key(plan.properties, params));
  if (const auto checksum = StoredChecksum::from(upload->checksum)) plan.checksum = checksum->kind;
  return plan;
}

Reply<Output> S3Service::upload_part(Context& context, Input in) {
  TRY(const auto number, part_number(in));
  TRY(auto upload, take_upload(context, *model().operation("UploadPart"), in));
  TRY(const auto plan, plan_of_upload(upload->target().permit.bucket, in.params));
  const auto& planned = plan.checksum;
  TRY(const auto digested, upload->finish());
  if (planned && digested.checksum && digested.checksum->kind != *planned)
    return errors::invalid_request(
        "Checksum Type mismatch occurred, expected checksum Type: " + std::string(algorithm_name(*planned)) +
        ", actual checksum Type: " + std::string(algorithm_name(digested.checksum->kind)));
  storage::PartRow part{
      number, upload->size(), context.now(), etag_under(plan.properties, digested.md5_hex), {}, 0};
  Output output;
  output.fields["ETag"] = quoted_etag(part.etag);
  if (digested.checksum) {
    output.fields[std::string(member_name(digested.checksum->kind))] = digested.checksum->value;
    if (planned) part.checksum = digested.checksum->value;
  }
  show_encryption(output.fields, plan.properties, in.params);
  const errors::Refusal refusal;
  auto change = [this, permit = std::move(upload->target().permit), key = in.text("Key"),
                 id = in.text("UploadId"), part = std::move(part),
                 refusal](Connection& db, storage::BodyId body, Freed& freed) mutable -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    part.body = body;
    return put_part(db, now.id, key, id, part, freed, refusal);
  };
  return answer_after(std::move(output), refusal,
                      objects_.commit(upload->take(), std::move(change), Touches::kObjects));
}

Reply<Output> S3Service::upload_part_copy(Context& context, Input in) {
  TRY(const auto number, part_number(in));
  const auto name = parse_copy_source(in.text("CopySource"));
  if (!name)
    return errors::invalid_argument(
        "Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source",
        in.text("CopySource"));
  TRY(const auto permit, permitted(context, in.params, action::kPutObject));
  const auto& bucket = permit.bucket;
  TRY(const auto plan, plan_of_upload(bucket, in.params));
  const auto& planned = plan.checksum;
  TRY(const auto source,
      open(context, in.params, *name, action::kGetObject, Want::kBytes, "ExpectedSourceBucketOwner"));
  TRY(check_customer_key(storage::unpack(source.row.properties), in.params, "CopySource"));
  TRY(ReadConditions::from(in.params, "CopySource").check(source.row, true));
  TRY(const auto range, copy_range_of(in.text("CopySourceRange"), source.row.size));
  const auto stretch = range.value_or(Stretch{0, source.row.size});
  if (stretch.length > kMostBytes) return errors::entity_too_large(stretch.length, kMostBytes);

  Digest md5(DigestKind::kMd5);
  std::optional<Checksum> checksum;
  if (planned) checksum.emplace(*planned);
  TRY(auto staged,
      errors::lift(objects_.stage_range(source, stretch.offset, stretch.length, [&](std::string_view bytes) {
        md5.update(bytes);
        if (checksum) checksum->update(bytes);
      })));
  storage::PartRow part{
      number, stretch.length, context.now(), etag_under(plan.properties, to_hex(md5.finish())), {}, 0};
  if (checksum) part.checksum = to_base64(checksum->finish());

  Output output;
  Document result;
  result["ETag"] = quoted_etag(part.etag);
  result["LastModified"] = to_epoch_seconds(part.modified);
  show_part_checksum(result, planned, part.checksum);
  output.fields["CopyPartResult"] = std::move(result);
  show_encryption(output.fields, plan.properties, in.params);
  const errors::Refusal refusal;
  auto change = [this, permit, key = in.text("Key"), id = in.text("UploadId"), part = std::move(part),
                 refusal](Connection& db, storage::BodyId body, Freed& freed) mutable -> Status {
    TRY(const auto now, permitted(db, permit, refusal));
    part.body = body;
    return put_part(db, now.id, key, id, part, freed, refusal);
  };
  return answer_after(std::move(output), refusal, objects_.commit(std::move(staged), std::move(change)));
}

Reply<Output> S3Service::list_parts(Context& context, Input in) {
  TRY(const auto permit, permitted(context, in.params, action::kListMultipartUploadParts));
  const auto& bucket = permit.bucket;
  const auto& id = in.text("UploadId");
  PartPage page;
  page.bucket = bucket.name;
  page.marker = std::clamp<std::int64_t>(in.number("PartNumberMarker", 0), 0, kMostPartNumber);
  page.most = static_cast<std::size_t>(std::clamp<std::int64_t>(in.number("MaxParts", 1000), 0, 1000));
  std::optional<storage::UploadRow> upload;
  TRY(errors::lift(ledger_.read([&](Connection& db) -> Status {
    TRY(upload, storage::find_upload(db, bucket.id, in.text("Key"), id));
    TRY(page.parts, storage::parts_of(db, id, static_cast<std::uint32_t>(page.marker), page.most + 1));
    return {};
  })));
  if (!upload) return errors::no_such_upload(id);
  page.upload = std::move(*upload);
  auto users = users_of(bucket, page.upload);
  page.initiator = std::move(users.initiator);
  page.owner = std::move(users.owner);
  page.truncated = page.parts.size() > page.most;
  if (page.truncated) page.parts.resize(page.most);
  Output output;
  output.rows = [page = std::move(page)](model::Writer& to) { write_page(to, page); };
  return output;
}

}  // namespace sagelet::s3
