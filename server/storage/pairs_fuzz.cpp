// Packed pairs and parts come from the disk: any bytes must be taken without harm, and what was read packs
// again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "server/storage/object_rows.hpp"
#include "server/storage/pairs.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto pairs = sagelet::storage::unpack(bytes);
  if (sagelet::storage::unpack(sagelet::storage::pack(pairs)) != pairs) std::abort();
  if (sagelet::storage::count_packed(bytes) != pairs.size()) std::abort();
  const auto parts = sagelet::storage::unpack_parts(bytes);
  if (sagelet::storage::unpack_parts(sagelet::storage::pack_parts(parts)).size() != parts.size())
    std::abort();
  return 0;
}
