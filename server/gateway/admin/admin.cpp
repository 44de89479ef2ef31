#include "server/gateway/admin/admin.hpp"

#include "fmt/format.h"
#include "server/http/uri.hpp"

namespace sagelet::admin {

namespace {

using http::Response;

int status_of(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kPermission:
      return 403;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kConflict:
      return 409;
    case ErrorKind::kNoSpace:
      return 507;
    case ErrorKind::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

Response failure(const Error& error) {
  return Response::text(status_of(error), error.message() + "\n");
}

Response json(std::string text) {
  return Response::text(200, std::move(text), "application/json");
}

std::string_view bearer(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  return authorization.starts_with(kScheme) ? authorization.substr(kScheme.size()) : authorization;
}

Response reset(const Admin& admin) {
  if (auto done = admin.reset(); !done) return failure(done.error());
  return json("{}\n");
}

Response report(const Admin& admin, const http::Head& head, std::string_view body) {
  if (auto done = admin.report(bearer(head.headers.get("authorization")), body); !done)
    return failure(done.error());
  return json("{}\n");
}

Response interrupt(const Admin& admin, const http::Head& head, std::string_view job) {
  const auto account = http::query_value(head.query(), "account"),
             region = http::query_value(head.query(), "region");
  if (auto done = admin.interrupt(account.value_or(""), region.value_or(""), job); !done)
    return failure(done.error());
  return json("{}\n");
}

Response credentials(const Admin& admin, const http::Head& head, std::string_view access_key) {
  auto found = admin.credentials(access_key, bearer(head.headers.get("authorization")));
  if (!found) return failure(found.error());
  return json(std::move(*found));
}

Response scrub(const Admin& admin) {
  admin.scrub();
  return json(admin.scrub_state());
}

Response prepare_snapshot(const Admin& admin) {
  auto prepared = admin.prepare_snapshot();
  if (!prepared) return failure(prepared.error());
  return json(std::move(*prepared));
}

Response drop_snapshot(const Admin& admin, std::string_view name) {
  if (auto done = admin.drop_snapshot(name); !done) return failure(done.error());
  return json("{}\n");
}

Response authority(const Admin& admin) {
  auto pem = admin.authority();
  if (!pem) return failure(pem.error());
  return Response::text(200, std::move(*pem), "application/x-pem-file");
}

Response unknown(std::string_view path) {
  return Response::text(
      404, fmt::format("{} is not here. There are health, ready, status, doctor, metrics, authority, scrub "
                       "(GET), reset, scrub, snapshot and interrupt/<spot job> (POST) under {}.\n",
                       path, kPrefix));
}

Response wrong_method(std::string_view allowed) {
  auto out = Response::text(405, fmt::format("Use {}.\n", allowed));
  out.headers.add("Allow", std::string(allowed));
  return out;
}

}  // namespace

Response answer(const Admin& admin, const http::Head& head, std::string_view body) {
  const auto name = head.path().substr(kPrefix.size());
  const bool get = head.method == "GET", post = head.method == "POST";
  if (name == "reset") return post ? reset(admin) : wrong_method("POST");
  if (name == "reports") return post ? report(admin, head, body) : wrong_method("POST");
  constexpr std::string_view kInterrupt = "interrupt/";
  if (name.starts_with(kInterrupt))
    return post ? interrupt(admin, head, name.substr(kInterrupt.size())) : wrong_method("POST");
  if (name == "scrub" && post) return scrub(admin);
  if (name == "snapshot") return post ? prepare_snapshot(admin) : wrong_method("POST");
  constexpr std::string_view kSnapshot = "snapshot/";
  if (name.starts_with(kSnapshot))
    return head.method == "DELETE" ? drop_snapshot(admin, name.substr(kSnapshot.size()))
                                   : wrong_method("DELETE");
  if (!get && head.method != "HEAD") return wrong_method("GET");
  if (name == "scrub") return json(admin.scrub_state());
  if (name == "health" || name == "ready") return json("{\"status\":\"ok\"}\n");
  if (name == "status") return json(admin.status());
  if (name == "doctor") return json(admin.doctor());
  if (name == "metrics")
    return Response::text(200, admin.metrics(), "text/plain; version=0.0.4; charset=utf-8");
  if (name == "authority") return authority(admin);
  constexpr std::string_view kCredentials = "credentials/";
  if (name.starts_with(kCredentials)) return credentials(admin, head, name.substr(kCredentials.size()));
  return unknown(head.path());
}

}  // namespace sagelet::admin
