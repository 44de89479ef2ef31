#include "server/services/ecr/errors.hpp"

#include "base/log.hpp"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace sagelet::ecr::errors {

using images::Why;

namespace {

std::string in(const images::Place& place) {
  return fmt::format("the repository with name '{}' in the registry with id '{}'", place.repository,
                     place.registry.account);
}

struct Word {
  Why why;
  std::string_view code;
};
constexpr Word kWords[] = {
    {Why::kNoRepository, "RepositoryNotFoundException"},
    {Why::kRepositoryExists, "RepositoryAlreadyExistsException"},
    {Why::kRepositoryNotEmpty, "RepositoryNotEmptyException"},
    {Why::kBadName, "InvalidParameterException"},
    {Why::kNoManifest, "ImageNotFoundException"},
    {Why::kManifestInvalid, "InvalidParameterException"},
    {Why::kManifestsMissing, "ReferencedImagesNotFoundException"},
    {Why::kDigestDiffers, "ImageDigestDoesNotMatchException"},
    {Why::kTagImmutable, "ImageTagAlreadyExistsException"},
    {Why::kNoBlob, "LayersNotFoundException"},
    {Why::kNoUpload, "UploadNotFoundException"},
    {Why::kUploadBusy, "InvalidLayerPartException"},
    {Why::kTooManyUploads, "LimitExceededException"},
};

}  // namespace

api::Error invalid_parameter(std::string_view where, std::string_view constraint) {
  return api::Error::make(
      "InvalidParameterException",
      fmt::format("Invalid parameter at '{}' failed to satisfy constraint: '{}'", where, constraint));
}

api::Error image_not_found(const images::Place& place, const images::Reference& reference) {
  const auto shown = [](std::string_view text) { return text.empty() ? std::string_view("null") : text; };
  return api::Error::make(
      "ImageNotFoundException",
      fmt::format("The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within {}",
                  shown(reference.digest.view()), shown(reference.tag), in(place)));
}

api::Error image_already_exists(const images::Place& place, std::string_view digest, std::string_view tag) {
  return api::Error::make("ImageAlreadyExistsException",
                          fmt::format("Image with digest '{}' and tag '{}' already exists in {}", digest,
                                      tag.empty() ? "null" : tag, in(place)));
}

api::Error layers_not_found(const images::Place& place, const std::vector<std::string>& digests) {
  return api::Error::make(
      "LayersNotFoundException",
      fmt::format("Layers with digests '[{}]' required for pushing image into {} do not exist",
                  fmt::join(digests, ", "), in(place)));
}

api::Error layer_already_exists(const images::Place& place, std::string_view digest) {
  return api::Error::make("LayerAlreadyExistsException",
                          fmt::format("Layer with digest '{}' already exists in {}", digest, in(place)));
}

api::Error empty_upload(const images::Place& place, std::string_view upload) {
  return api::Error::make(
      "EmptyUploadException",
      fmt::format("The upload with id '{}' to {} does not contain any layer parts", upload, in(place)));
}

api::Error part_out_of_order(const images::Place& place, std::string_view upload, std::uint64_t expected) {
  auto error = api::Error::make(
      "InvalidLayerPartException",
      fmt::format("The layer part of the upload with id '{}' to {} must begin with the byte {}", upload,
                  in(place), expected));
  error.members.emplace_back("uploadId", std::string(upload));
  return error;
}

api::Error no_policy(const images::Place& place) {
  return api::Error::make("RepositoryPolicyNotFoundException",
                          fmt::format("Repository policy does not exist for {}", in(place)));
}

api::Error no_lifecycle_policy(const images::Place& place) {
  return api::Error::make("LifecyclePolicyNotFoundException",
                          fmt::format("Lifecycle policy does not exist for {}", in(place)));
}

api::Error from(const images::Refused& refused, const images::Place& place) {
  if (refused.why == Why::kBlobsMissing) return layers_not_found(place, refused.names);
  for (const Word& word : kWords)
    if (word.why == refused.why) return api::Error::make(std::string(word.code), refused.message);
  log::error("ecr: {}", refused.message);
  auto error =
      api::Error::make("ServerException", "These errors are usually caused by a server-side issue.", 500);
  error.fault = true;
  return error;
}

}  // namespace sagelet::ecr::errors
