#include "server/services/registry/answers.hpp"

#include "base/log.hpp"
#include "nlohmann/json.hpp"

namespace sagelet::registry {

using images::Why;

namespace {

struct Word {
  Why why;
  int status;
  std::string_view code;
};
constexpr Word kWords[] = {
    {Why::kNoRepository, 404, "NAME_UNKNOWN"},
    {Why::kRepositoryExists, 409, "NAME_INVALID"},
    {Why::kRepositoryNotEmpty, 409, "NAME_INVALID"},
    {Why::kBadName, 400, "NAME_INVALID"},
    {Why::kNoManifest, 404, "MANIFEST_UNKNOWN"},
    {Why::kManifestInvalid, 400, "MANIFEST_INVALID"},
    {Why::kManifestInUse, 405, "UNSUPPORTED"},
    {Why::kManifestsMissing, 400, "MANIFEST_BLOB_UNKNOWN"},
    {Why::kDigestDiffers, 400, "DIGEST_INVALID"},
    {Why::kTagImmutable, 400, "TAG_INVALID"},
    {Why::kNoBlob, 404, "BLOB_UNKNOWN"},
    {Why::kBlobInUse, 405, "UNSUPPORTED"},
    {Why::kBlobsMissing, 400, "MANIFEST_BLOB_UNKNOWN"},
    {Why::kNoUpload, 404, "BLOB_UPLOAD_UNKNOWN"},
    {Why::kUploadBusy, 409, "BLOB_UPLOAD_INVALID"},
    {Why::kUploadEmpty, 400, "BLOB_UPLOAD_INVALID"},
    {Why::kTooManyUploads, 429, "TOOMANYREQUESTS"},
    {Why::kNoSpace, 507, "UNKNOWN"},
};

http::Response with_body(int status, std::string text, std::string_view content_type) {
  http::Response response;
  response.status = status;
  response.headers.add("Docker-Distribution-Api-Version", "registry/2.0");
  response.headers.add("Content-Type", std::string(content_type));
  response.body = std::move(text);
  return response;
}

http::Response errors(int status, const nlohmann::json& list) {
  return with_body(
      status, nlohmann::json{{"errors", list}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
      "application/json");
}

}  // namespace

http::Response failure(int status, std::string_view code, std::string_view message) {
  return errors(status, nlohmann::json::array({{{"code", code}, {"message", message}}}));
}

http::Response failure(const images::Refused& refused) {
  for (const Word& word : kWords) {
    if (word.why != refused.why) continue;
    if (refused.names.empty()) return failure(word.status, word.code, refused.message);
    auto list = nlohmann::json::array();
    for (const auto& name : refused.names)
      list.push_back({{"code", word.code}, {"message", refused.message}, {"detail", {{"digest", name}}}});
    return errors(word.status, list);
  }
  log::error("registry: {}", refused.message);
  return failure(500, "UNKNOWN", "internal error; the server's log has the cause");
}

http::Response empty(int status) {
  http::Response response;
  response.status = status;
  response.headers.add("Docker-Distribution-Api-Version", "registry/2.0");
  return response;
}

http::Response json(std::string text, std::string_view content_type) {
  return with_body(200, std::move(text), content_type);
}

}  // namespace sagelet::registry
