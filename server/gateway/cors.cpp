#include "server/gateway/cors.hpp"

namespace sagelet::gateway {

namespace {

constexpr std::string_view kMethod = "access-control-request-method";

/// "a, b,,c" as a list.
std::vector<std::string> names_of(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const auto end = text.find(',');
    const auto piece = text.substr(0, end);
    const auto begin = piece.find_first_not_of(" \t");
    if (begin != piece.npos)
      names.emplace_back(piece.substr(begin, piece.find_last_not_of(" \t") + 1 - begin));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return names;
}

}  // namespace

CorsQuestion cors_question(const http::Head& head, std::string_view target) {
  auto path = target.substr(0, target.find('?'));
  if (path.starts_with('/')) path.remove_prefix(1);
  const auto slash = path.find('/');
  CorsQuestion question;
  question.bucket = path.substr(0, slash);
  question.of_object = slash != path.npos && slash + 1 < path.size();
  question.origin = head.headers.get("origin");
  question.method = head.headers.find(kMethod).value_or(head.method);
  return question;
}

Reply<CorsQuestion> preflight_question(const http::Head& head, std::string_view target) {
  if (head.headers.get("origin").empty())
    return api::Error::make("BadRequest", "Insufficient information. Origin request header needed.", 400);
  const auto method = head.headers.get(kMethod);
  if (method.empty())
    return api::Error::make("BadRequest", "Invalid Access-Control-Request-Method: null", 400);
  auto question = cors_question(head, target);
  question.headers = names_of(head.headers.joined("access-control-request-headers"));
  return question;
}

}  // namespace sagelet::gateway
