// Manifests by tag or digest, and who refers to them.
#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/http/uri.hpp"
#include "server/services/registry/call.hpp"

namespace sagelet::registry {

namespace {

constexpr std::string_view kIndex = "application/vnd.oci.image.index.v1+json";

/// A body without Content-Length: a HEAD answer has the length alone.
void set_body(http::Response& response, std::string bytes, bool head_only) {
  if (head_only) {
    response.content_length_only = bytes.size();
  } else {
    response.body = std::move(bytes);
  }
}

nlohmann::json descriptor_of(const images::ManifestRow& row) {
  nlohmann::json out{{"mediaType", row.media_type}, {"digest", row.digest.str()}, {"size", row.image_size}};
  if (!row.artifact_type.empty()) out["artifactType"] = row.artifact_type;
  if (!row.annotations.empty())
    out["annotations"] = nlohmann::json::parse(row.annotations, nullptr, /*allow_exceptions=*/false);
  return out;
}

}  // namespace

http::Response Call::manifest() {
  const auto reference = images::parse_reference(route_.name);
  if (!reference)
    return reads()
               ? failure(404, "MANIFEST_UNKNOWN", fmt::format("\"{}\" is no tag and no digest", route_.name))
               : failure(400, "MANIFEST_INVALID", fmt::format("\"{}\" is no tag and no digest", route_.name));
  if (reads()) return get_manifest(*reference);
  if (is("PUT")) return put_manifest(*reference);
  if (is("DELETE")) return delete_manifest(*reference);
  return failure(405, "UNSUPPORTED", "a manifest takes GET, HEAD, PUT, DELETE");
}

http::Response Call::get_manifest(const images::Reference& reference) {
  auto row = store_.manifest(place_, reference);
  if (!row) return failure(row.error());
  if (is("GET")) store_.note_pull(place_, *row);
  auto response = empty(200);
  response.headers.add("Content-Type", row->media_type);
  response.headers.add("Docker-Content-Digest", row->digest.str());
  response.headers.add("ETag", "\"" + row->digest.str() + "\"");
  set_body(response, std::move(row->bytes), is("HEAD"));
  return response;
}

http::Response Call::put_manifest(const images::Reference& reference) {
  const auto pushed = store_.put_manifest(place_, reference, head_.headers.get("content-type"),
                                          std::move(body_), images::IfMissing::kCreate);
  if (!pushed) return failure(pushed.error());
  auto response = empty(201);
  response.headers.add("Location", base_path() + "/manifests/" + pushed->digest.str());
  response.headers.add("Docker-Content-Digest", pushed->digest.str());
  if (pushed->subject) response.headers.add("OCI-Subject", pushed->subject->str());
  return response;
}

http::Response Call::delete_manifest(const images::Reference& reference) {
  const auto done = reference.digest.empty() ? store_.delete_tag(place_, reference.tag)
                                             : store_.delete_manifest(place_, reference.digest, true);
  return done ? empty(202) : failure(done.error());
}

http::Response Call::referrers() {
  const auto subject = images::parse_digest(route_.name);
  if (!subject)
    return failure(400, "DIGEST_INVALID", fmt::format("\"{}\" is no SHA-256 digest", route_.name));
  const auto rows = store_.referrers(place_, *subject);
  if (!rows) return failure(rows.error());
  const auto wanted = query("artifactType");
  auto list = nlohmann::json::array();
  for (const auto& row : *rows)
    if (!wanted || wanted->empty() || row.artifact_type == *wanted) list.push_back(descriptor_of(row));
  auto response =
      json(nlohmann::json{{"schemaVersion", 2}, {"mediaType", kIndex}, {"manifests", list}}.dump(), kIndex);
  if (wanted && !wanted->empty()) response.headers.add("OCI-Filters-Applied", "artifactType");
  return response;
}

}  // namespace sagelet::registry
