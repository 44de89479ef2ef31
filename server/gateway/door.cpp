#include "server/gateway/door.hpp"

#include <algorithm>
#include <array>

#include "base/digest.hpp"
#include "server/auth/refusals.hpp"

namespace sagelet::gateway {

namespace {

struct Allowed {
  std::string_view method, path;
};
constexpr std::array kForNodes{
    Allowed{"POST", "/_sagelet/reports"}, Allowed{"GET", "/_sagelet/health"},
    Allowed{"GET", "/_sagelet/authority"},  // a certificate, not its key
};

/// The server's, without what only it may be called with.
auth::Options job_only(auth::Options options, const std::string& host) {
  options.mode = auth::Mode::kStrict;
  options.keys.clear();
  options.host = host;
  return options;
}

constexpr WallTime kLongAgo{std::chrono::milliseconds(1)};

}  // namespace

Door::Door(DoorOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      authenticator_(
          job_only(options_.auth, options_.host), [this](std::string_view key) { return session(key); },
          clock) {}

std::optional<auth::Caller> Door::session(std::string_view access_key) {
  auto caller = options_.sessions(access_key);
  if (!caller || caller->job_id.empty()) return std::nullopt;
  if (!living(caller->job_id)) caller->expires = kLongAgo;
  return caller;
}

/// The token of the reports of a job that lives. The entry is there before the job is asked for: one that
/// ends in between takes it away.
std::optional<std::string> Door::living(const std::string& job_id) {
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    auto& known = entries_[job_id];
    if (!known) known = std::make_shared<Entry>();
    if (known->token) return known->token;
    entry = known;
  }
  auto token = options_.report_token(job_id);
  if (!token) job_ended(job_id);
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(job_id);
  if (!token || found == entries_.end() || found->second != entry) return std::nullopt;
  entry->token = token;
  return token;
}

bool Door::admit(http::Visit& visit, const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(job_id);
  if (found == entries_.end() || !found->second->token) return false;
  visit.over = std::shared_ptr<const std::atomic<bool>>(found->second, &found->second->over);
  return true;
}

std::optional<auth::Refusal> Door::admit(http::Visit& visit, const auth::Judged& judged) {
  if (admit(visit, judged.caller.job_id)) return std::nullopt;
  return auth::refusals::expired_token(judged.service);
}

bool Door::admit_to_proxy(const http::Head& head) {
  const auto login = http::parse_basic(head.headers.get("proxy-authorization"));
  if (!login || head.peer.visit == nullptr) return false;
  const auto caller = session(login->user);
  if (!caller || is_over(*caller)) return false;
  return equal_constant_time(caller->session_token, login->password) && living(caller->job_id) &&
         admit(*head.peer.visit, caller->job_id);
}

bool Door::admit_to_images(const http::Head& head) {
  const auto login = options_.registry_login(head.headers.get("authorization"));
  if (!login || head.peer.visit == nullptr) return false;
  const auto caller = session(login->user);
  return caller && !is_over(*caller) && equal_constant_time(caller->session_token, login->password) &&
         admit(*head.peer.visit, caller->job_id);
}

bool Door::is_over(const auth::Caller& caller) const {
  return caller.expires != WallTime() && clock_.now() >= caller.expires;
}

void Door::job_ended(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(job_id);
  if (found == entries_.end()) return;
  found->second->over.store(true, std::memory_order_relaxed);
  entries_.erase(found);
}

bool is_for_nodes(const http::Head& head) {
  const auto method = head.method == "HEAD" ? std::string_view("GET") : std::string_view(head.method);
  return std::ranges::any_of(kForNodes, [&](const Allowed& allowed) {
    return allowed.method == method && allowed.path == head.path();
  });
}

auth::Refusal unsigned_at_door() {
  return {"AccessDenied", "MissingAuthenticationToken",
          "Request is missing Authentication Token: this address takes requests signed with a running job's "
          "credentials only.",
          403};
}

auth::Refusal explained(auth::Refusal refusal) {
  if (refusal.code == "InvalidAccessKeyId")
    refusal.message += " This address takes the credentials of running jobs only.";
  return refusal;
}

}  // namespace sagelet::gateway
