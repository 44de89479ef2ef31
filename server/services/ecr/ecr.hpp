#pragma once
// The service's inside: one class, its operations a file a family.
#include <functional>
#include <optional>
#include <string>

#include "nlohmann/json.hpp"
#include "server/services/ecr/errors.hpp"
#include "server/services/ecr/service.hpp"

namespace sagelet::ecr {

/// Thread-safe: no state but what it was given.
class EcrService final : public TableService {
 public:
  EcrService(images::ImageStore& store, CredentialStore& credentials, const LayerUrls& layer_urls);

 private:
  using Method = Reply<Output> (EcrService::*)(Context&, Input);
  void wait_on(std::string_view operation, Method method);

  Reply<Output> get_authorization_token(Context&, Input);
  Reply<Output> describe_registry(Context&, Input);
  // repositories.cpp
  Reply<Output> create_repository(Context&, Input);
  Reply<Output> describe_repositories(Context&, Input);
  Reply<Output> delete_repository(Context&, Input);
  Reply<Output> put_image_tag_mutability(Context&, Input);
  Reply<Output> put_image_scanning_configuration(Context&, Input);
  Reply<Output> list_tags(Context&, Input);
  Reply<Output> tag(Context&, Input);
  Reply<Output> untag(Context&, Input);
  // policies.cpp
  Reply<Output> get_policy(Context&, Input);
  Reply<Output> set_policy(Context&, Input);
  Reply<Output> delete_policy(Context&, Input);
  Reply<Output> get_lifecycle_policy(Context&, Input);
  Reply<Output> put_lifecycle_policy(Context&, Input);
  Reply<Output> delete_lifecycle_policy(Context&, Input);
  Reply<Output> put_text(Context&, const Input&, const char* key, const char* member);
  Reply<Output> take_text(Context&, const Input&, const char* key, const char* member, bool remove,
                          const std::function<api::Error(const images::Place&)>& missing);
  // images.cpp
  Reply<Output> list_images(Context&, Input);
  Reply<Output> describe_images(Context&, Input);
  Reply<Output> batch_get_image(Context&, Input);
  Reply<Output> batch_delete_image(Context&, Input);
  Reply<Output> put_image(Context&, Input);
  // layers.cpp
  Reply<Output> batch_check_layer_availability(Context&, Input);
  Reply<Output> initiate_layer_upload(Context&, Input);
  Reply<Output> upload_layer_part(Context&, Input);
  Reply<Output> complete_layer_upload(Context&, Input);
  Reply<Output> get_download_url_for_layer(Context&, Input);

  Reply<images::Repository> alter(const images::Place& place,
                                  const std::function<void(images::Repository&, nlohmann::json&)>& change);

  images::ImageStore& store_;
  CredentialStore& credentials_;
  const LayerUrls& layer_urls_;
};

/// The repository that registryId and repositoryName mean; the registry defaults to the caller's.
images::Place place_of(const Context& context, const Input& input);
/// {"registryId": ..., "repositoryName": ...}
Document named(const images::Place& place);

/// NextToken and MaxResults over a list that is there whole: the page, and the token of the next one.
struct PageOf {
  std::size_t first = 0, last = 0;
  std::string next;
};
Reply<PageOf> page_of(const Input& input, std::size_t count);

}  // namespace sagelet::ecr
