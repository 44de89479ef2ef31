// What comes in heads: paths, chunk ranges, page sizes, logins.
#include <cstdint>
#include <cstdlib>

#include "server/services/registry/route.hpp"
#include "server/services/registry_login.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)registry::parse_route(text);
  if (const auto route = registry::parse_route("/v2/" + std::string(text)); route)
    if (route->what == registry::What::kManifest && route->repository.empty()) std::abort();
  if (const auto range = registry::parse_chunk_range(text); range && range->last < range->first) std::abort();
  (void)registry::parse_page_size(text);
  (void)parse_registry_login(text);
  return 0;
}
