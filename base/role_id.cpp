#include "base/role_id.hpp"

#include "base/digest.hpp"

namespace sagelet {

std::string role_id(std::string_view account, std::string_view name) {
  const std::string text = "role/" + std::string(account) + "/" + std::string(name);
  const std::string digest = Digest::of(DigestKind::kSha256, text);
  std::string id = "AROA";
  for (std::size_t i = 0; i < 17; ++i)
    id += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[static_cast<unsigned char>(digest[i]) % 32];
  return id;
}

}  // namespace sagelet
