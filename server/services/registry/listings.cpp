// The lists, a page at a time: ?n= entries after ?last=, the next page's address in Link.
#include <algorithm>

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/services/registry/call.hpp"

namespace sagelet::registry {

namespace {

constexpr std::size_t kLargestPage = 1000;

}  // namespace

Step<std::size_t> Call::page_size() const {
  const auto text = query("n");
  if (!text) return kLargestPage;
  const auto size = parse_page_size(*text);
  if (!size)
    return tl::unexpected(
        failure(400, "PAGINATION_NUMBER_INVALID", fmt::format("n is \"{}\", not a number", *text)));
  return std::min(*size, kLargestPage);
}

http::Response Call::page(std::string_view path, std::string body, bool more, std::size_t size,
                          const std::string& last) const {
  auto response = json(std::move(body));
  if (more) response.headers.add("Link", fmt::format("<{}?n={}&last={}>; rel=\"next\"", path, size, last));
  return response;
}

http::Response Call::catalog() {
  const auto size = page_size();
  if (!size) return size.error();
  auto found = store_.repositories(place_.registry, query("last").value_or(""), *size + 1);
  if (!found) return failure(found.error());
  const bool more = found->size() > *size;
  if (more) found->resize(*size);
  auto names = nlohmann::json::array();
  for (const auto& repository : *found) names.push_back(repository.name);
  const std::string last = found->empty() ? std::string() : found->back().name;
  return page("/v2/_catalog", nlohmann::json{{"repositories", names}}.dump(), more && *size > 0, *size, last);
}

http::Response Call::tags() {
  const auto size = page_size();
  if (!size) return size.error();
  auto found = store_.tags(place_, query("last").value_or(""), *size + 1);
  if (!found) return failure(found.error());
  const bool more = found->size() > *size;
  if (more) found->resize(*size);
  const std::string last = found->empty() ? std::string() : found->back();
  return page(base_path() + "/tags/list", nlohmann::json{{"name", written_}, {"tags", *found}}.dump(),
              more && *size > 0, *size, last);
}

}  // namespace sagelet::registry
