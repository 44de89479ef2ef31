#include "server/http/body.hpp"

namespace sagelet::http {

std::optional<std::uint64_t> length_of(const Body& body) {
  if (const auto* bytes = std::get_if<std::string>(&body)) return bytes->size();
  if (const auto* range = std::get_if<FileRange>(&body)) return range->length;
  if (const auto* stream = std::get_if<std::shared_ptr<PullStream>>(&body))
    return *stream ? (*stream)->length() : 0;
  return 0;
}

}  // namespace sagelet::http
