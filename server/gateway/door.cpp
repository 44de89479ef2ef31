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
  if (!lives(caller->job_id)) caller->expires = kLongAgo;
  return caller;
}

std::optional<std::string> Door::job_of(std::string_view access_key, std::string_view session_token) {
  auto caller = session(access_key);
  if (!caller || !equal_constant_time(caller->session_token, session_token) ||
      clock_.now() >= caller->expires)
    return std::nullopt;
  return std::move(caller->job_id);
}

/// The entry is there before the job is asked for: one that ends in between takes it away.
bool Door::lives(const std::string& job_id) {
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    auto& known = entries_[job_id];
    if (!known) known = std::make_shared<Entry>();
    if (known->confirmed) return true;
    entry = known;
  }
  const bool lives = options_.job_lives(job_id);
  if (!lives) job_ended(job_id);
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(job_id);
  if (!lives || found == entries_.end() || found->second != entry) return false;
  entry->confirmed = true;
  return true;
}

bool Door::admit(http::Visit& visit, const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(job_id);
  if (found == entries_.end() || !found->second->confirmed) return false;
  visit.over = std::shared_ptr<const std::atomic<bool>>(found->second, &found->second->over);
  return true;
}

std::optional<auth::Refusal> Door::admit(http::Visit& visit, const auth::Judged& judged) {
  if (admit(visit, judged.caller.job_id)) return std::nullopt;
  return auth::refusals::expired_token(judged.service);
}

bool Door::admit_by(const std::optional<http::Basic>& login, const http::Head& head) {
  if (!login || head.peer.visit == nullptr) return false;
  const auto job = job_of(login->user, login->password);
  return job && admit(*head.peer.visit, *job);
}

bool Door::admit_to_proxy(const http::Head& head) {
  return admit_by(http::parse_basic(head.headers.get("proxy-authorization")), head);
}

bool Door::admit_to_images(const http::Head& head) {
  return admit_by(options_.registry_login(head.headers.get("authorization")), head);
}

void Door::job_ended(const std::string& job_id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(job_id);
  if (found == entries_.end()) return;
  found->second->over.store(true, std::memory_order_relaxed);
  entries_.erase(found);
}

bool is_for_nodes(const http::Head& head) {
  const std::string_view method = head.method == "HEAD" ? "GET" : head.method;
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
