#pragma once
// /_sagelet/...: what runners, the command line and probes ask. Not an AWS API: plain paths, JSON or text.
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "server/http/message.hpp"

namespace sagelet::admin {

/// Bound in app.cpp. Each may be called on any thread that may wait.
struct Admin {
  std::function<Status()> reset;         ///< stop jobs, drop records and objects; seeded buckets stay
  std::function<std::string()> status;   ///< JSON
  std::function<std::string()> doctor;   ///< JSON
  std::function<std::string()> metrics;  ///< Prometheus text
  std::function<Result<std::string>()> authority;  ///< PEM
  std::function<Status(std::string_view token, std::string_view json)> report;
  /// Takes the machine of a running spot job away; account and region may be empty: the server's own.
  std::function<Status(std::string_view account, std::string_view region, std::string_view job)> interrupt;
  /// Container credentials of a session, as JSON, when `token` is its session token.
  std::function<Result<std::string>(std::string_view access_key, std::string_view token)> credentials;
  std::function<void()> scrub;                            ///< starts one, unless one runs
  std::function<std::string()> scrub_state;               ///< JSON
  std::function<Result<std::string>()> prepare_snapshot;  ///< JSON: a folder that is the client's to read
  std::function<Status(std::string_view name)> drop_snapshot;
};

inline constexpr std::string_view kPrefix = "/_sagelet/";

/// `body` is whole. Unknown paths are 404, wrong methods 405; both say what there is.
http::Response answer(const Admin& admin, const http::Head& head, std::string_view body);

}  // namespace sagelet::admin
