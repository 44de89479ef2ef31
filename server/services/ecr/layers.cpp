// Layers: what is there, and uploads in parts.
#include "fmt/format.h"
#include "server/services/ecr/ecr.hpp"

namespace sagelet::ecr {

namespace {

constexpr std::int64_t kPartSize = 10 * 1024 * 1024;

/// At our own registry: by the way the client came, or by the name that reaches us by proxy.
std::string repository_url(const Context& context, const images::Place& place) {
  const auto host = place.registry.host();
  if (context.base_url.starts_with("http://"))
    return fmt::format("{}/v2/{}/{}", context.base_url, host, place.repository);
  return fmt::format("https://{}/v2/{}", host, place.repository);
}

std::string bytes_of(const Document& blob) {
  const auto& binary = blob.get_binary();
  return {binary.begin(), binary.end()};
}

}  // namespace

Reply<Output> EcrService::batch_check_layer_availability(Context& context, Input input) {
  const auto place = place_of(context, input);
  TRY(const auto repository, errors::lift(store_.repository(place), place));
  (void)repository;
  Output output;
  auto& layers = output.fields["layers"] = Document::array();
  auto& failures = output.fields["failures"] = Document::array();
  for (const std::string name : input.params.at("layerDigests")) {
    const auto digest = images::parse_digest(name);
    if (!digest) {
      failures.push_back({{"layerDigest", name},
                          {"failureCode", "InvalidLayerDigest"},
                          {"failureReason", "Invalid layer digest: " + name}});
      continue;
    }
    const auto blob = store_.blob(place, *digest);
    if (!blob && blob.error().why != images::Why::kNoBlob) return errors::from(blob.error(), place);
    Document layer{{"layerDigest", name}, {"layerAvailability", blob ? "AVAILABLE" : "UNAVAILABLE"}};
    if (blob) layer["layerSize"] = blob->size;
    layers.push_back(std::move(layer));
  }
  return output;
}

Reply<Output> EcrService::initiate_layer_upload(Context& context, Input input) {
  const auto place = place_of(context, input);
  TRY(const auto repository, errors::lift(store_.repository(place), place));
  (void)repository;
  TRY(const auto lease, errors::lift(store_.start_upload(place), place));
  Output output;
  output.fields = {{"uploadId", lease.id()}, {"partSize", kPartSize}};
  return output;
}

Reply<Output> EcrService::upload_layer_part(Context& context, Input input) {
  const auto place = place_of(context, input);
  TRY(const auto repository, errors::lift(store_.repository(place), place));
  (void)repository;
  const std::string& id = input.text("uploadId");
  TRY(auto lease, errors::lift(store_.upload(place, id), place));
  const std::string bytes = bytes_of(input.params.at("layerPartBlob"));
  const auto first = input.number("partFirstByte", 0), last = input.number("partLastByte", -1);
  if (static_cast<std::uint64_t>(first) != lease.size())
    return errors::part_out_of_order(place, id, lease.size());
  if (bytes.empty() || last - first + 1 != static_cast<std::int64_t>(bytes.size()))
    return errors::invalid_parameter("layerPartBlob", "its size must be partLastByte - partFirstByte + 1");
  lease.write(bytes);
  TRY(errors::lift(lease.ok(), place));
  Output output;
  output.fields = named(place);
  output.fields["uploadId"] = id;
  output.fields["lastByteReceived"] = lease.size() - 1;
  return output;
}

Reply<Output> EcrService::complete_layer_upload(Context& context, Input input) {
  const auto place = place_of(context, input);
  const std::string& id = input.text("uploadId");
  const auto& digests = input.params.at("layerDigests");
  const auto digest = images::parse_digest(digests.empty() ? "" : digests.at(0).get<std::string>());
  if (!digest) return errors::invalid_parameter("layerDigests", "Invalid layer digest");
  TRY(const auto repository, errors::lift(store_.repository(place), place));
  (void)repository;
  TRY(auto lease, errors::lift(store_.upload(place, id), place));
  if (lease.size() == 0) return errors::empty_upload(place, id);
  if (store_.blob(place, *digest)) {
    lease.drop();
    return errors::layer_already_exists(place, digest->view());
  }
  const auto blob = store_.finish_upload(place, std::move(lease), *digest, images::IfMissing::kRefuse);
  if (!blob && blob.error().why == images::Why::kDigestDiffers)
    return api::Error::make("InvalidLayerException", blob.error().message);
  if (!blob) return errors::from(blob.error(), place);
  Output output;
  output.fields = named(place);
  output.fields["uploadId"] = id;
  output.fields["layerDigest"] = digest->str();
  return output;
}

/// An address that needs no login for an hour.
Reply<Output> EcrService::get_download_url_for_layer(Context& context, Input input) {
  const auto place = place_of(context, input);
  const std::string& name = input.text("layerDigest");
  const auto digest = images::parse_digest(name);
  if (!digest) return errors::invalid_parameter("layerDigest", "Invalid layer digest");
  TRY(const auto repository, errors::lift(store_.repository(place), place));
  (void)repository;
  const auto blob = store_.blob(place, *digest);
  if (!blob && blob.error().why == images::Why::kNoBlob) return errors::layers_not_found(place, {name});
  if (!blob) return errors::from(blob.error(), place);
  Output output;
  output.fields = {{"layerDigest", name},
                   {"downloadUrl", fmt::format("{}/blobs/{}?{}", repository_url(context, place), name,
                                               layer_urls_.sign(place, digest->view()))}};
  return output;
}

}  // namespace sagelet::ecr
