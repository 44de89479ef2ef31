// GetObjectAttributes.
#include <algorithm>

#include "server/services/s3/encryption.hpp"
#include "server/services/s3/s3.hpp"
#include "server/services/s3/versions.hpp"

namespace sagelet::s3 {

namespace {

/// The header may be one list or several fields; the parser gives an array, or text with commas.
std::vector<std::string> wanted_attributes(const Document& params) {
  const auto given = params.find("ObjectAttributes");
  std::vector<std::string> all;
  if (given == params.end()) return all;
  const auto add = [&all](std::string_view text) {
    while (!text.empty()) {
      const auto end = std::min(text.find(','), text.size());
      all.emplace_back(trimmed(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  };
  if (given->is_string()) add(given->get_ref<const std::string&>());
  if (given->is_array())
    for (const auto& one : *given) add(one.get_ref<const std::string&>());
  return all;
}

Document parts_of(const storage::OpenObject& object, const Input& in) {
  const auto checksum = StoredChecksum::from(object.row.checksum);
  const auto marker = in.number("PartNumberMarker", 0);
  const auto most = std::clamp<std::int64_t>(in.number("MaxParts", 1000), 0, 1000);
  Document shown{{"TotalPartsCount", object.parts.size()}, {"PartNumberMarker", marker}, {"MaxParts", most}};
  auto list = Document::array();
  bool truncated = false;
  for (const auto& part : object.parts) {
    if (part.number <= marker) continue;
    truncated = static_cast<std::int64_t>(list.size()) == most;
    if (truncated) break;
    Document one{{"PartNumber", part.number}, {"Size", part.size}};
    if (checksum && !part.checksum.empty()) one[std::string(member_name(checksum->kind))] = part.checksum;
    list.push_back(std::move(one));
  }
  shown["IsTruncated"] = truncated;
  if (!list.empty()) shown["NextPartNumberMarker"] = list.back().at("PartNumber");
  shown["Parts"] = std::move(list);
  return shown;
}

}  // namespace

Reply<Output> S3Service::get_object_attributes(Context& context, Input in) {
  TRY(const auto object, open(context, in, action::kGetObjectAttributes, Want::kRecord));
  TRY(check_customer_key(storage::unpack(object.row.properties), in.params));
  const auto wanted = wanted_attributes(in.params);
  if (wanted.empty())
    return errors::invalid_argument("Invalid attribute name specified.", "x-amz-object-attributes");
  Output output;
  auto& fields = output.fields;
  fields["LastModified"] = to_epoch_seconds(object.row.modified);
  show_version(fields, object.permit.bucket, object.row.version);
  for (const auto& name : wanted) {
    const auto checksum = StoredChecksum::from(object.row.checksum);
    if (name == "ETag") {
      fields["ETag"] = object.row.etag;
    } else if (name == "Checksum") {
      if (checksum) show_checksum(fields["Checksum"], *checksum);
    } else if (name == "ObjectParts") {
      if (!object.parts.empty()) fields["ObjectParts"] = parts_of(object, in);
    } else if (name == "StorageClass") {
      fields["StorageClass"] = object.row.storage_class;
    } else if (name == "ObjectSize") {
      fields["ObjectSize"] = object.row.size;
    } else {
      return errors::invalid_argument("Invalid attribute name specified.", "x-amz-object-attributes", name);
    }
  }
  return output;
}

}  // namespace sagelet::s3
