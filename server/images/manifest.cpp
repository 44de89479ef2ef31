#include "server/images/manifest.hpp"

#include <algorithm>
#include <array>

#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace sagelet::images {

using nlohmann::json;

namespace {

struct Kind {
  std::string_view media_type;
  bool is_index;
};
constexpr std::array kKinds = {
    Kind{"application/vnd.docker.distribution.manifest.v2+json", false},
    Kind{"application/vnd.docker.distribution.manifest.list.v2+json", true},
    Kind{"application/vnd.oci.image.manifest.v1+json", false},
    Kind{"application/vnd.oci.image.index.v1+json", true},
};
constexpr int kDeepest = 32;
constexpr std::size_t kMostEntries = 10'000;

Error wrong(std::string text) {
  return Error(ErrorKind::kInvalid, std::move(text));
}

/// Without parameters: "application/json; charset=utf-8" is "application/json".
std::string_view bare(std::string_view media_type) {
  media_type = media_type.substr(0, media_type.find(';'));
  while (media_type.ends_with(' ')) media_type.remove_suffix(1);
  return media_type;
}

std::string text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<json> parse_object(std::string_view bytes) {
  if (bytes.size() > kLargestManifest)
    return wrong(fmt::format("a manifest may have {} bytes at most", kLargestManifest));
  bool too_deep = false;
  const auto shallow = [&too_deep](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > kDeepest;
    return !too_deep;
  };
  json parsed = json::parse(bytes, shallow, /*allow_exceptions=*/false);
  if (too_deep) return wrong("the manifest is nested too deeply");
  if (!parsed.is_object()) return wrong("the manifest is not a JSON object");
  return parsed;
}

Result<Descriptor> descriptor_of(const json& value, std::string_view where) {
  if (!value.is_object()) return wrong(fmt::format("{} is not a descriptor", where));
  Descriptor out;
  out.media_type = text_member(value, "mediaType");
  auto digest = parse_digest(text_member(value, "digest"));
  if (!digest) return wrong(fmt::format("{} has no SHA-256 digest", where));
  out.digest = std::move(*digest);
  const auto size = value.find("size");
  if (size == value.end() || !size->is_number_unsigned()) return wrong(fmt::format("{} has no size", where));
  out.size = size->get<std::uint64_t>();
  if (out.size > (std::uint64_t{1} << 62)) return wrong(fmt::format("{} has an impossible size", where));
  const auto urls = value.find("urls");
  out.elsewhere = urls != value.end() && urls->is_array() && !urls->empty() &&
                  (out.media_type.find("foreign") != std::string::npos ||
                   out.media_type.find("nondistributable") != std::string::npos);
  return out;
}

Result<std::vector<Descriptor>> descriptors_of(const json& object, const char* name) {
  std::vector<Descriptor> out;
  const auto list = object.find(name);
  if (list == object.end() || !list->is_array()) return wrong(fmt::format("the manifest has no {}", name));
  if (list->size() > kMostEntries) return wrong(fmt::format("the manifest has too many {}", name));
  for (const auto& entry : *list) {
    TRY(auto one, descriptor_of(entry, fmt::format("{}[{}]", name, out.size())));
    out.push_back(std::move(one));
  }
  return out;
}

/// The media type that counts: the request's and the manifest's own may not differ.
Result<const Kind*> kind_of(const json& object, std::string_view given) {
  const std::string own = text_member(object, "mediaType");
  if (!own.empty() && !given.empty() && own != given)
    return wrong(fmt::format("the manifest says it is {}, the request {}", own, given));
  const std::string_view wanted = given.empty() ? std::string_view(own) : given;
  const auto kind = std::ranges::find(kKinds, wanted, &Kind::media_type);
  if (kind == kKinds.end())
    return wrong(wanted.empty() ? std::string("the manifest's media type is missing")
                                : fmt::format("manifests of the type {} are not supported", wanted));
  return &*kind;
}

Status read_image(const json& object, Manifest& out) {
  const auto config = object.find("config");
  if (config == object.end()) return wrong("the manifest has no config");
  TRY(out.config, descriptor_of(*config, "config"));
  TRY(out.layers, descriptors_of(object, "layers"));
  if (out.artifact_type.empty()) out.artifact_type = out.config->media_type;
  return {};
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view bytes, std::string_view media_type) {
  TRY(const json object, parse_object(bytes));
  TRY(const Kind* kind, kind_of(object, bare(media_type)));
  const auto version = object.find("schemaVersion");
  if (version == object.end() || *version != 2) return wrong("the manifest's schemaVersion is not 2");
  Manifest out;
  out.media_type = kind->media_type;
  out.is_index = kind->is_index;
  out.artifact_type = text_member(object, "artifactType");
  if (const auto subject = object.find("subject"); subject != object.end()) {
    TRY(auto descriptor, descriptor_of(*subject, "subject"));
    out.subject = std::move(descriptor.digest);
  }
  if (const auto notes = object.find("annotations"); notes != object.end() && notes->is_object())
    out.annotations = notes->dump(-1, ' ', false, json::error_handler_t::replace);
  if (kind->is_index) {
    TRY(out.manifests, descriptors_of(object, "manifests"));
  } else {
    TRY(read_image(object, out));
  }
  return out;
}

std::vector<ContentDigest> Manifest::blobs() const {
  std::vector<ContentDigest> out;
  if (config) out.push_back(config->digest);
  for (const auto& layer : layers)
    if (!layer.elsewhere) out.push_back(layer.digest);
  return out;
}

std::uint64_t Manifest::image_size() const {
  std::uint64_t total = config ? config->size : 0;
  for (const auto& layer : layers) total += layer.size;
  return total;
}

}  // namespace sagelet::images
