#pragma once
// What jobs ask of the registry.
#include <functional>
#include <memory>
#include <string>

#include "server/services/ports.hpp"
#include "server/services/registry/service.hpp"

namespace sagelet::registry {

/// `server_url` is known once we listen.
std::unique_ptr<ImagesView> make_known_images(Registry& registry, std::function<std::string()> server_url);

}  // namespace sagelet::registry
