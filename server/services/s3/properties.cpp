#include "server/services/s3/properties.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/fs.hpp"
#include "server/services/s3/encryption.hpp"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::size_t kMostMetadata = 2048;
constexpr std::string_view kMeta = "meta:";

constexpr std::array<std::string_view, 7> kContent = {
    "CacheControl", "ContentDisposition",     "ContentEncoding", "ContentLanguage", "ContentType",
    "Expires",      "WebsiteRedirectLocation"};

bool one_of(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// "gzip, aws-chunked" is stored as "gzip": the framing is gone when the bytes are here.
std::string without_chunked(std::string_view encodings) {
  if (encodings.find("aws-chunked") == std::string_view::npos) return std::string(encodings);
  std::string kept;
  while (!encodings.empty()) {
    const auto end = std::min(encodings.find(','), encodings.size());
    const auto one = trimmed(encodings.substr(0, end));
    encodings.remove_prefix(std::min(end + 1, encodings.size()));
    if (one.empty() || one == "aws-chunked") continue;
    if (!kept.empty()) kept += ", ";
    kept += one;
  }
  return kept;
}

Reply<void> add_metadata(const Document& params, storage::Pairs& pairs) {
  const auto metadata = params.find("Metadata");
  if (metadata == params.end() || !metadata->is_object()) return {};
  std::size_t size = 0;
  for (const auto& [name, value] : metadata->items()) {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto& text = value.get_ref<const std::string&>();
    size += lower.size() + text.size();
    pairs.emplace_back(std::string(kMeta) + lower, text);
  }
  if (size > kMostMetadata) return errors::metadata_too_large(size, kMostMetadata);
  return {};
}

}  // namespace

Reply<storage::Pairs> properties_from(const Document& params,
                                      const std::optional<std::string>& bucket_encryption, Ids& ids) {
  storage::Pairs pairs;
  for (const auto name : kContent) {
    const auto member = params.find(name);
    if (member == params.end() || !member->is_string()) continue;
    auto value = member->get<std::string>();
    if (name == "ContentEncoding") value = without_chunked(value);
    if (!value.empty()) pairs.emplace_back(name, std::move(value));
  }
  TRY(add_metadata(params, pairs));
  TRY(auto encryption, encryption_from(params, bucket_encryption, ids));
  for (auto& pair : encryption) pairs.push_back(std::move(pair));
  return pairs;
}

storage::Pairs content_properties(const storage::Pairs& all) {
  storage::Pairs content;
  for (const auto& pair : all)
    if (one_of(kContent, pair.first) || pair.first.starts_with(kMeta)) content.push_back(pair);
  return content;
}

void show_properties(Document& fields, const storage::Pairs& properties, const Document& params) {
  fields["ContentType"] = "binary/octet-stream";
  Document* metadata = nullptr;
  for (const auto& [name, value] : properties) {
    if (name.starts_with(kMeta)) {
      if (metadata == nullptr) metadata = &(fields["Metadata"] = Document::object());
      (*metadata)[name.substr(kMeta.size())] = value;
    } else if (one_of(kContent, name)) {
      fields[name] = value;
    }
  }
  show_encryption(fields, properties, params);
}

Reply<std::string> storage_class_from(const Document& params) {
  static constexpr std::array<std::string_view, 9> kKnown = {
      "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA",     "INTELLIGENT_TIERING",
      "GLACIER",  "DEEP_ARCHIVE",       "GLACIER_IR",  "EXPRESS_ONEZONE"};
  const auto member = params.find("StorageClass");
  if (member == params.end() || !member->is_string()) return std::string("STANDARD");
  const auto& given = member->get_ref<const std::string&>();
  if (!one_of(kKnown, given)) return errors::invalid_storage_class(given);
  return given;
}

}  // namespace sagelet::s3
