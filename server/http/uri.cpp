#include "server/http/uri.hpp"

#include <algorithm>
#include <charconv>

#include "base/sigv4.hpp"

namespace sagelet::http {

namespace {

std::optional<std::uint16_t> port_of(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > 65535)
    return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

}  // namespace

void QueryItems::Iterator::advance() {
  while (!rest_.empty() && rest_.front() == '&') rest_.remove_prefix(1);
  end_ = rest_.empty();
  if (end_) return;
  const std::string_view piece = rest_.substr(0, rest_.find('&'));
  rest_.remove_prefix(piece.size());
  const std::size_t equals = piece.find('=');
  item_.has_value = equals != std::string_view::npos;
  item_.name = piece.substr(0, equals);
  item_.value = item_.has_value ? piece.substr(equals + 1) : std::string_view();
}

std::string decode(std::string_view text) {
  return sigv4::percent_decode(text);
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  for (const QueryItem& item : QueryItems(query))
    if (item.name == name || decode(item.name) == name) return decode(item.value);
  return std::nullopt;
}

bool has_query(std::string_view query, std::string_view name) {
  return query_value(query, name).has_value();
}

std::optional<Authority> split_authority(std::string_view text) {
  Authority result;
  std::size_t after = 0;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    result.host = text.substr(1, close - 1);
    after = close + 1;
  } else {
    after = std::min(text.find(':'), text.size());
    result.host = text.substr(0, after);
  }
  if (result.host.empty()) return std::nullopt;
  if (after == text.size()) return result;
  if (text[after] != ':') return std::nullopt;
  result.port = port_of(text.substr(after + 1));
  return result.port ? std::optional(result) : std::nullopt;
}

std::optional<AbsoluteTarget> split_absolute(std::string_view target) {
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos || colon == 0 || target.front() == '/') return std::nullopt;
  AbsoluteTarget result;
  result.scheme = target.substr(0, colon);
  const std::string_view rest = target.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  result.authority = rest.substr(0, end);
  result.origin = rest.substr(end);
  if (const std::size_t at = result.authority.rfind('@'); at != std::string_view::npos)
    result.authority.remove_prefix(at + 1);
  return result.authority.empty() ? std::nullopt : std::optional(result);
}

}  // namespace sagelet::http
