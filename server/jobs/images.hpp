#pragma once
// From an image URI to what runs for it: the rules of sagelet.yaml first, then AWS's framework images.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "server/jobs/engine_images.hpp"
#include "server/jobs/interpreters.hpp"
#include "server/jobs/jobs.hpp"

namespace sagelet::jobs {

/// `*` any characters, `?` one; the whole text must fit.
bool glob(std::string_view pattern, std::string_view text);

/// The framework of an AWS framework image ("scikit-learn", "pytorch", ...); empty: not one. Account and
/// region are taken as they come. Source: the SDK's own image tables.
std::string_view framework_of(std::string_view image);

/// The minor Python version a job needs: from @remote's --client_python_version, else the image's py tag; 0:
/// any.
int python_minor(const JobSpec& spec);

/// Where images come from: sagelet.yaml's rules, the local engine and our own registry, in this order.
struct ImageSources {
  const std::vector<ImageRule>& rules;
  EngineImages& engine;
  std::function<std::string(const std::string& image)> registry;  ///< Options::known_image
};

/// Fills sandbox, docker_image, docker_socket, python and framework of a spec. kInvalid when no rule fits;
/// the message is for the user.
Status map_image(const ImageSources& sources, Interpreters& interpreters, JobSpec& spec);

}  // namespace sagelet::jobs
