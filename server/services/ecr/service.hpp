#pragma once
// The ECR API: repositories, images and layers as AWS's JSON has them. The bytes come and go by the registry
// (server/services/registry) or in layer parts.
#include <memory>

#include "base/clock.hpp"
#include "server/images/store.hpp"
#include "server/services/layer_urls.hpp"
#include "server/services/ports.hpp"
#include "server/services/service.hpp"

namespace sagelet::ecr {

std::unique_ptr<Service> make_ecr(images::ImageStore& store, CredentialStore& credentials,
                                  const LayerUrls& layer_urls);

}  // namespace sagelet::ecr
