// x-amz-grant-* headers as a client writes them, and grants as they lie in the ledger.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "nlohmann/json.hpp"
#include "server/services/s3/access/acl_request.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet::s3;
  static const Accounts accounts({{"111111111111", "main", "main@example.com"}}, false);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto read = unpack_grants(bytes);
  if (unpack_grants(pack_grants(read)) != read) std::abort();
  (void)ObjectAcl::of(bytes);
  (void)initiator_of(bytes);
  const sagelet::Document params{{"GrantRead", std::string(bytes)}};
  const auto asked = grants_from_headers(params, {"111111111111", "111111111111"}, accounts);
  if (asked && *asked && any_public(**asked) && bytes.find("groups/global") == bytes.npos) std::abort();
  return 0;
}
