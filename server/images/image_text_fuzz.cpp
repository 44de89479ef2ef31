// The texts that clients of the registry send: digests, tags, names, image URIs, manifests.
#include <cstdint>
#include <cstdlib>

#include "server/images/manifest.hpp"
#include "server/images/names.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet::images;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto digest = parse_digest(text); digest && digest->view() != text) std::abort();
  if (const auto reference = parse_reference(text); reference && reference->text() != text) std::abort();
  if (const auto registry = registry_of_host(text);
      registry && registry_of_host(registry->host()) != registry)
    std::abort();
  if (const auto uri = parse_image_uri(text); uri && !is_repository_name(uri->repository)) std::abort();
  for (const char* type :
       {"", "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"})
    if (const auto manifest = parse_manifest(text, type)) (void)manifest->image_size();
  return 0;
}
