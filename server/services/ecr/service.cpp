#include "server/services/ecr/service.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/digest.hpp"
#include "fmt/format.h"
#include "server/services/ecr/ecr.hpp"
#include "server/services/registry_login.hpp"
#include "server/services/role_name.hpp"

namespace sagelet::ecr {

namespace {

constexpr std::chrono::hours kTokenLife{12};

/// Where `docker login` should go: to us by the way the client came, or to the name that reached us by proxy.
std::string proxy_endpoint(const Context& context, const std::string& account) {
  if (context.base_url.starts_with("http://")) return context.base_url;
  return "https://" + images::Registry{account, context.region.str()}.host();
}

}  // namespace

images::Place place_of(const Context& context, const Input& input) {
  const std::string account = input.maybe_text("registryId").value_or(context.account().str());
  return {{account, context.region.str()}, input.text("repositoryName")};
}

Document named(const images::Place& place) {
  return {{"registryId", place.registry.account}, {"repositoryName", place.repository}};
}

Reply<PageOf> page_of(const Input& input, std::size_t count) {
  PageOf page;
  if (const auto token = input.maybe_text("nextToken")) {
    std::string decoded;
    const bool readable = from_base64(*token, decoded);
    const auto [end, error] = std::from_chars(decoded.data(), decoded.data() + decoded.size(), page.first);
    if (!readable || error != std::errc() || end != decoded.data() + decoded.size() || page.first > count)
      return errors::invalid_parameter("nextToken", "Invalid token");
  }
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, input.number("maxResults", 100)));
  page.last = std::min(count, page.first + most);
  if (page.last < count) page.next = to_base64(std::to_string(page.last));
  return page;
}

EcrService::EcrService(images::ImageStore& store, CredentialStore& credentials, const LayerUrls& layer_urls)
    : TableService(*model::find_service("ecr")),
      store_(store),
      credentials_(credentials),
      layer_urls_(layer_urls) {
  wait_on("GetAuthorizationToken", &EcrService::get_authorization_token);
  wait_on("DescribeRegistry", &EcrService::describe_registry);
  wait_on("CreateRepository", &EcrService::create_repository);
  wait_on("DescribeRepositories", &EcrService::describe_repositories);
  wait_on("DeleteRepository", &EcrService::delete_repository);
  wait_on("PutImageTagMutability", &EcrService::put_image_tag_mutability);
  wait_on("PutImageScanningConfiguration", &EcrService::put_image_scanning_configuration);
  wait_on("ListTagsForResource", &EcrService::list_tags);
  wait_on("TagResource", &EcrService::tag);
  wait_on("UntagResource", &EcrService::untag);
  wait_on("GetRepositoryPolicy", &EcrService::get_policy);
  wait_on("SetRepositoryPolicy", &EcrService::set_policy);
  wait_on("DeleteRepositoryPolicy", &EcrService::delete_policy);
  wait_on("GetLifecyclePolicy", &EcrService::get_lifecycle_policy);
  wait_on("PutLifecyclePolicy", &EcrService::put_lifecycle_policy);
  wait_on("DeleteLifecyclePolicy", &EcrService::delete_lifecycle_policy);
  wait_on("ListImages", &EcrService::list_images);
  wait_on("DescribeImages", &EcrService::describe_images);
  wait_on("BatchGetImage", &EcrService::batch_get_image);
  wait_on("BatchDeleteImage", &EcrService::batch_delete_image);
  wait_on("PutImage", &EcrService::put_image);
  wait_on("BatchCheckLayerAvailability", &EcrService::batch_check_layer_availability);
  wait_on("InitiateLayerUpload", &EcrService::initiate_layer_upload);
  wait_on("UploadLayerPart", &EcrService::upload_layer_part);
  wait_on("CompleteLayerUpload", &EcrService::complete_layer_upload);
  wait_on("GetDownloadUrlForLayer", &EcrService::get_download_url_for_layer);
}

/// The store waits for the ledger, so nothing here runs on an I/O thread.
void EcrService::wait_on(std::string_view operation, Method method) {
  on_waiting(operation, [this, method](Context& context, Input input) {
    return (this->*method)(context, std::move(input));
  });
}

Reply<Output> EcrService::get_authorization_token(Context& context, Input) {
  const std::string account = context.account().str();
  const auto credentials =
      credentials_.make(context.account(), role_behind(context.identity.arn), "ecr-login",
                        context.identity.job_id, context.now() + kTokenLife);
  Output output;
  output.fields["authorizationData"] =
      Document::array({{{"authorizationToken",
                         to_base64(fmt::format("{}:{}", kRegistryUser, registry_password(credentials)))},
                        {"expiresAt", to_epoch_seconds(credentials.expires)},
                        {"proxyEndpoint", proxy_endpoint(context, account)}}});
  output.after = credentials_.keep(credentials);
  output.failed = [](const Error&) { return api::Error::internal(); };
  return output;
}

Reply<Output> EcrService::describe_registry(Context& context, Input) {
  Output output;
  output.fields = {{"registryId", context.account().str()},
                   {"replicationConfiguration", {{"rules", Document::array()}}}};
  return output;
}

std::unique_ptr<Service> make_ecr(images::ImageStore& store, CredentialStore& credentials,
                                  const LayerUrls& layer_urls) {
  return std::make_unique<EcrService>(store, credentials, layer_urls);
}

}  // namespace sagelet::ecr
