// Images: list, describe, get, put, delete.
#include <algorithm>

#include "server/services/ecr/ecr.hpp"

namespace sagelet::ecr {

namespace {

images::Reference reference_of(const Document& id) {
  images::Reference out{id.value("imageTag", ""), {}};
  if (auto digest = images::parse_digest(id.value("imageDigest", ""))) out.digest = std::move(*digest);
  return out;
}

Document id_of(const std::string& digest, const std::string& tag) {
  Document id{{"imageDigest", digest}};
  if (!tag.empty()) id["imageTag"] = tag;
  return id;
}

Document failure(const Document& id, std::string_view code, std::string_view reason) {
  return {{"imageId", id}, {"failureCode", code}, {"failureReason", reason}};
}

bool wanted(const Input& input, bool tagged) {
  if (!input.has("filter")) return true;
  const std::string status = input.params.at("filter").value("tagStatus", "ANY");
  return status == "ANY" || (status == "TAGGED") == tagged;
}

Document describe(const images::Place& place, const images::Image& image) {
  const auto& row = image.manifest;
  Document out = named(place);
  out["imageDigest"] = row.digest.str();
  if (!image.tags.empty()) out["imageTags"] = image.tags;
  out["imageSizeInBytes"] = row.image_size;
  out["imagePushedAt"] = to_epoch_seconds(row.pushed);
  out["imageManifestMediaType"] = row.media_type;
  if (!row.artifact_type.empty()) out["artifactMediaType"] = row.artifact_type;
  if (row.pulled != WallTime()) out["lastRecordedPullTime"] = to_epoch_seconds(row.pulled);
  if (!row.subject.empty()) out["subjectManifestDigest"] = row.subject;
  return out;
}

bool means(const images::Reference& reference, const images::Image& image) {
  const bool tagged =
      reference.tag.empty() || std::ranges::find(image.tags, reference.tag) != image.tags.end();
  return tagged && (reference.digest.empty() || reference.digest == image.manifest.digest);
}

}  // namespace

Reply<Output> EcrService::list_images(Context& context, Input input) {
  const auto place = place_of(context, input);
  TRY(const auto found, errors::lift(store_.images(place), place));
  std::vector<Document> ids;
  for (const auto& image : found) {
    if (!wanted(input, !image.tags.empty())) continue;
    for (const auto& tag : image.tags) ids.push_back(id_of(image.manifest.digest.str(), tag));
    if (image.tags.empty()) ids.push_back(id_of(image.manifest.digest.str(), ""));
  }
  TRY(const auto page, page_of(input, ids.size()));
  Output output;
  output.fields["imageIds"] = std::vector<Document>(ids.begin() + static_cast<std::ptrdiff_t>(page.first),
                                                    ids.begin() + static_cast<std::ptrdiff_t>(page.last));
  if (!page.next.empty()) output.fields["nextToken"] = page.next;
  return output;
}

Reply<Output> EcrService::describe_images(Context& context, Input input) {
  const auto place = place_of(context, input);
  TRY(const auto found, errors::lift(store_.images(place), place));
  Output output;
  auto& details = output.fields["imageDetails"] = Document::array();
  if (input.has("imageIds")) {
    for (const auto& id : input.params.at("imageIds")) {
      const auto reference = reference_of(id);
      const auto image = std::ranges::find_if(found, [&](const auto& one) { return means(reference, one); });
      if (image == found.end()) return errors::image_not_found(place, reference);
      details.push_back(describe(place, *image));
    }
    return output;
  }
  std::vector<const images::Image*> picked;
  for (const auto& image : found)
    if (wanted(input, !image.tags.empty())) picked.push_back(&image);
  TRY(const auto page, page_of(input, picked.size()));
  for (std::size_t i = page.first; i < page.last; ++i) details.push_back(describe(place, *picked[i]));
  if (!page.next.empty()) output.fields["nextToken"] = page.next;
  return output;
}

Reply<Output> EcrService::batch_get_image(Context& context, Input input) {
  const auto place = place_of(context, input);
  TRY(const auto repository, errors::lift(store_.repository(place), place));
  (void)repository;
  Output output;
  auto& found = output.fields["images"] = Document::array();
  auto& failures = output.fields["failures"] = Document::array();
  for (const auto& id : input.params.at("imageIds")) {
    const auto reference = reference_of(id);
    if (reference.text().empty()) {
      failures.push_back(failure(id, "MissingDigestAndTag", "Image digest or tag is missing"));
      continue;
    }
    const auto row = store_.manifest(place, reference);
    if (!row && row.error().why == images::Why::kNoManifest) {
      failures.push_back(failure(id, "ImageNotFound", "Requested image not found"));
      continue;
    }
    if (!row) return errors::from(row.error(), place);
    Document image = named(place);
    image["imageId"] = id_of(row->digest.str(), reference.tag);
    image["imageManifest"] = row->bytes;
    image["imageManifestMediaType"] = row->media_type;
    found.push_back(std::move(image));
  }
  return output;
}

/// By digest the image goes with all its tags; by tag alone the tag goes, and the image with its last one.
Reply<Output> EcrService::batch_delete_image(Context& context, Input input) {
  const auto place = place_of(context, input);
  Output output;
  auto& gone = output.fields["imageIds"] = Document::array();
  auto& failures = output.fields["failures"] = Document::array();
  for (const auto& id : input.params.at("imageIds")) {
    const auto reference = reference_of(id);
    TRY(const auto all, errors::lift(store_.images(place), place));
    if (reference.text().empty()) {
      failures.push_back(failure(id, "MissingDigestAndTag", "Image digest or tag is missing"));
      continue;
    }
    const auto image = std::ranges::find_if(all, [&](const auto& one) { return means(reference, one); });
    if (image == all.end()) {
      failures.push_back(failure(id, "ImageNotFound", "Requested image not found"));
      continue;
    }
    const auto& digest = image->manifest.digest;
    const bool tag_only = reference.digest.empty() && image->tags.size() > 1;
    const auto done =
        tag_only ? store_.delete_tag(place, reference.tag) : store_.delete_manifest(place, digest, false);
    if (!done && done.error().why == images::Why::kManifestInUse) {
      failures.push_back(failure(id, "ImageReferencedByManifestList", done.error().message));
      continue;
    }
    if (!done) return errors::from(done.error(), place);
    for (const auto& tag : image->tags)
      if (!tag_only || tag == reference.tag) gone.push_back(id_of(digest.str(), tag));
    if (image->tags.empty()) gone.push_back(id_of(digest.str(), ""));
  }
  return output;
}

Reply<Output> EcrService::put_image(Context& context, Input input) {
  const auto place = place_of(context, input);
  const std::string& tag = input.text("imageTag");
  const std::string& manifest = input.text("imageManifest");
  const auto wanted_digest = input.maybe_text("imageDigest");
  const auto digest = images::digest_of(manifest);
  if (wanted_digest && *wanted_digest != digest.view())
    return errors::from({images::Why::kDigestDiffers,
                         "The digest of the image manifest is " + digest.str() + ", not " + *wanted_digest},
                        place);
  TRY(const auto pushed,
      errors::lift(store_.put_manifest(place, {tag, {}}, input.text("imageManifestMediaType"), manifest,
                                       images::IfMissing::kRefuse),
                   place));
  if (pushed.was_there) return errors::image_already_exists(place, digest.view(), tag);
  TRY(const auto row, errors::lift(store_.manifest(place, {{}, digest}), place));
  Output output;
  auto& image = output.fields["image"] = named(place);
  image["imageId"] = id_of(digest.str(), tag);
  image["imageManifest"] = manifest;
  image["imageManifestMediaType"] = row.media_type;
  return output;
}

}  // namespace sagelet::ecr
