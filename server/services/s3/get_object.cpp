// GetObject and HeadObject.
#include <algorithm>
#include <array>

#include "base/time_text.hpp"
#include "server/services/s3/encryption.hpp"
#include "server/services/s3/properties.hpp"
#include "server/services/s3/ranges.hpp"
#include "server/services/s3/s3.hpp"
#include "server/services/s3/versions.hpp"

namespace sagelet::s3 {

namespace {

/// Of the upstream: up to this size a range costs no more than the whole.
constexpr std::uint64_t kFetchedWhole = 8u << 20;

/// The bytes of an object in parts, pulled by net on a thread that may wait.
class PartsStream final : public http::PullStream {
 public:
  PartsStream(storage::OpenObject object, Stretch stretch) : object_(std::move(object)), left_(stretch) {}

  Result<std::size_t> read(std::span<char> buffer) override {
    if (left_.length == 0) return 0;
    const auto most = std::min<std::uint64_t>(buffer.size(), left_.length);
    TRY(const auto got, object_.read_parts(left_.offset, buffer.first(most)));
    if (got == 0) return Error(ErrorKind::kCorrupt, "an object in parts is shorter than its record says");
    left_.offset += got;
    left_.length -= got;
    return got;
  }
  std::optional<std::uint64_t> length() const override { return left_.length; }

 private:
  storage::OpenObject object_;
  Stretch left_;
};

http::Body body_of(storage::OpenObject object, const Stretch& stretch) {
  if (stretch.length == 0) return std::string();
  if (object.in_memory) {
    if (stretch.length == object.bytes.size()) return std::move(object.bytes);
    return object.bytes.substr(stretch.offset, stretch.length);
  }
  if (object.file) return http::FileRange{object.file, stretch.offset, stretch.length};
  std::uint64_t within = 0;
  if (auto part = object.single_part(stretch.offset, stretch.length, within))
    return http::FileRange{std::move(part), within, stretch.length};
  return std::make_shared<PartsStream>(std::move(object), stretch);
}

/// What a read answers: which bytes, and how the answer names them.
struct Slice {
  Stretch stretch;
  bool partial = false;                    ///< 206 with Content-Range
  const storage::PartRef* part = nullptr;  ///< asked by partNumber
};

Reply<Slice> part_slice(const storage::OpenObject& object, std::int64_t number) {
  if (object.parts.empty()) {
    if (number != 1) return errors::invalid_part_number();
    return Slice{{0, object.row.size}, object.row.size > 0, nullptr};
  }
  std::uint64_t offset = 0;
  for (const auto& part : object.parts) {
    if (part.number == number) return Slice{{offset, part.size}, part.size > 0, &part};
    offset += part.size;
  }
  return errors::invalid_part_number();
}

Reply<Slice> slice_of(const storage::OpenObject& object, const Input& in) {
  const auto& range = in.text("Range");
  if (in.has("PartNumber")) {
    if (!range.empty())
      return errors::invalid_request("Cannot specify both Range header and partNumber query parameter");
    return part_slice(object, in.number("PartNumber", 0));
  }
  TRY(const auto stretch, range_of(range, object.row.size));
  if (!stretch) return Slice{{0, object.row.size}, false, nullptr};
  return Slice{*stretch, true, nullptr};
}

/// The checksum of exactly the bytes that are sent, or none: clients verify what they are given.
void show_checksum_of(Document& fields, const storage::OpenObject& object, const Slice& slice) {
  auto checksum = StoredChecksum::from(object.row.checksum);
  if (!checksum) return;
  if (slice.part != nullptr) {
    if (slice.part->checksum.empty()) return;
    checksum->value = slice.part->checksum;
  } else if (slice.partial && slice.stretch.length != object.row.size) {
    return;
  }
  show_checksum(fields, *checksum);
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOverrides = {
    {{"ResponseCacheControl", "CacheControl"},
     {"ResponseContentDisposition", "ContentDisposition"},
     {"ResponseContentEncoding", "ContentEncoding"},
     {"ResponseContentLanguage", "ContentLanguage"},
     {"ResponseContentType", "ContentType"},
     {"ResponseExpires", "Expires"}}};

/// Whoever makes a link to a public object must not choose what a browser takes it for.
Reply<void> check_overrides(const Context& context, const Input& in) {
  if (!context.identity.anonymous()) return {};
  for (const auto& [asked, member] : kOverrides)
    if (in.has(asked))
      return errors::invalid_request(
          "Request specific response headers cannot be used for anonymous GET requests.");
  return {};
}

void show_overrides(Document& fields, const Input& in) {
  for (const auto& [asked, member] : kOverrides) {
    if (!in.has(asked)) continue;
    const auto& given = in.params.at(std::string(asked));
    fields[std::string(member)] =
        given.is_number() ? http_date(from_millis(static_cast<std::int64_t>(given.get<double>() * 1000)))
                          : in.text(asked);
  }
}

/// The headers that GET and HEAD share.
Output describe(const storage::OpenObject& object, const storage::Pairs& properties, const Slice& slice,
                const Input& in) {
  const auto& row = object.row;
  Output output;
  auto& fields = output.fields;
  show_properties(fields, properties, in.params);
  fields["AcceptRanges"] = "bytes";
  fields["LastModified"] = to_epoch_seconds(row.modified);
  fields["ETag"] = quoted_etag(row.etag);
  if (!row.extras.empty()) Locks::of(row.extras).show(fields);
  if (row.storage_class != "STANDARD") fields["StorageClass"] = row.storage_class;
  if (!row.tags.empty()) fields["TagCount"] = storage::count_packed(row.tags);
  if (in.has("PartNumber") && !object.parts.empty()) fields["PartsCount"] = object.parts.size();
  if (in.text("ChecksumMode") == "ENABLED") show_checksum_of(fields, object, slice);
  show_overrides(fields, in);
  if (!slice.partial) return output;
  output.status = 206;
  fields["ContentRange"] = content_range(slice.stretch, row.size);
  return output;
}

/// The object's properties, when the request may read it.
Reply<storage::Pairs> readable_properties(const storage::OpenObject& object, const Context& context,
                                          const Input& in) {
  TRY(check_no_encryption_asked(context.head));
  auto properties = storage::unpack(object.row.properties);
  TRY(check_customer_key(properties, in.params));
  return properties;
}

}  // namespace

/// The bytes of what is not cached go through us; of something small that is asked for in pieces, the whole
/// is fetched first.
Reply<Output> S3Service::get_from(upstream::Upstream& other, const Context& context, const Input& in) {
  if (!is_null_or_newest(in.text("VersionId")))
    return errors::no_such_version(in.text("Key"), in.text("VersionId"));
  TRY(auto found, other.find(in.text("Bucket"), in.text("Key")));
  TRY(ReadConditions::from(in.params, "").check(found.object.row, false));
  TRY(const auto slice, slice_of(found.object, in));
  const auto& stretch = slice.stretch;
  const bool piece = stretch.length < found.object.row.size;
  if (!found.cached && piece && found.object.row.size <= kFetchedWhole) {
    TRY(found.object, other.open(in.text("Bucket"), in.text("Key")));
    found.cached = true;
  }
  TRY(const auto properties, readable_properties(found.object, context, in));
  auto output = describe(found.object, properties, slice, in);
  if (found.cached || stretch.length == 0) {
    output.payload = body_of(std::move(found.object), stretch);
    return output;
  }
  TRY(output.payload, other.stream(in.text("Bucket"), found.object.row, stretch));
  return output;
}

Reply<Output> S3Service::get_object(Context& context, Input in) {
  TRY(check_overrides(context, in));
  TRY(auto* const other, upstream_for(context, in.text("Bucket")));
  if (other != nullptr) return get_from(*other, context, in);
  TRY(auto object, open(context, in, action::kGetObject, Want::kBytes));
  TRY(ReadConditions::from(in.params, "").check(object.row, false));
  TRY(const auto slice, slice_of(object, in));
  TRY(const auto properties, readable_properties(object, context, in));
  auto output = describe(object, properties, slice, in);
  show_version(output.fields, object.permit.bucket, object.row.version);
  if (!in.has("VersionId")) TRY(show_expiration(output.fields, in.text("Bucket"), object.row));
  output.payload = body_of(std::move(object), slice.stretch);
  return output;
}

Reply<Output> S3Service::head_object(Context& context, Input in) {
  TRY(check_overrides(context, in));
  TRY(const auto object, open(context, in, action::kGetObject, Want::kRecord));
  TRY(ReadConditions::from(in.params, "").check(object.row, false));
  TRY(const auto slice, slice_of(object, in));
  TRY(const auto properties, readable_properties(object, context, in));
  auto output = describe(object, properties, slice, in);
  show_version(output.fields, object.permit.bucket, object.row.version);
  if (!in.has("VersionId")) TRY(show_expiration(output.fields, in.text("Bucket"), object.row));
  output.content_length_only = slice.stretch.length;
  return output;
}

}  // namespace sagelet::s3
