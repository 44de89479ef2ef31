#include "server/services/s3/notifications/outbox.hpp"

#include <algorithm>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "nlohmann/json.hpp"
#include "server/services/s3/names.hpp"

namespace sagelet::s3::notifications {

namespace {

constexpr std::size_t kPage = 100;
constexpr std::chrono::milliseconds kFirstPause{500}, kLongestPause{10'000};
constexpr std::chrono::milliseconds kPatience{10'000};

client::Request request_of(const std::string& webhook, const storage::NotificationRow& row,
                           const std::atomic<bool>& stopping) {
  client::Request request;
  request.method = "POST";
  request.url = webhook;
  request.headers = {{"Content-Type", "application/json"}, {"X-Sagelet-Destination", row.destination}};
  request.body = "{\"Records\":[" + row.record + "]}";
  request.idle_timeout = kPatience;
  request.cancelled = [&stopping] { return stopping.load(); };
  return request;
}

std::string version_in(const storage::Bucket& bucket, std::string_view version) {
  if (bucket.versioning == storage::Versioning::kNever) return {};
  return std::string(shown_version(version));
}

}  // namespace

Outbox::Outbox(storage::Ledger& ledger, const Clock& clock, std::string webhook)
    : ledger_(ledger), clock_(clock), webhook_(std::move(webhook)) {}

/// Changes that are on their way note into this object.
Outbox::~Outbox() {
  if (buckets_.any()) (void)ledger_.commit_and_wait([](storage::Connection&) -> Status { return {}; });
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status Outbox::note(storage::Connection& db, const storage::Bucket& bucket, const Event& event,
                    const Actor& actor) {
  if (!concerns(bucket.name)) return {};
  TRY(const auto stored, storage::find_setting(db, bucket.id, kSetting));
  if (!stored) return {};
  for (const auto& target : targets_from(Document::parse(*stored))) {
    if (!wants(target, event)) continue;
    const auto now = clock_.now();
    TRY(const auto id, storage::next_notification(db, now));
    const storage::NotificationRow row{id, bucket.name, event.key, target.destination,
                                       record_of(event, target, bucket, actor, id, now)};
    TRY(storage::insert_notification(db, row));
  }
  return {};
}

Status Noting::created(storage::Connection& db, const storage::Bucket& bucket, std::string_view name,
                       const storage::ObjectRow& row) const {
  if (outbox_ == nullptr) return {};
  const Event event{std::string(name), row.key, row.size, row.etag, version_in(bucket, row.version), false};
  return outbox_->note(db, bucket, event, actor_);
}

Status Noting::removed(storage::Connection& db, const storage::Bucket& bucket, std::string_view name,
                       const std::string& key, std::string_view version) const {
  if (outbox_ == nullptr) return {};
  const Event event{std::string(name), key, 0, {}, version_in(bucket, version), true};
  return outbox_->note(db, bucket, event, actor_);
}

void Outbox::wake() {
  if (webhook_.empty()) return;
  const std::lock_guard lock(mutex_);
  wanted_ = true;
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  woken_.notify_all();
}

Ticket Outbox::waking(std::string_view bucket, Ticket ticket) {
  if (!concerns(bucket)) return ticket;
  Ticket later;
  ticket.on_done([this, later](Status status) {
    wake();
    later.complete(std::move(status));
  });
  return later;
}

void Outbox::loop() {
  client::Http http;
  std::set<std::string> held;
  auto pause = kFirstPause;
  auto again = clock_.steady();
  std::unique_lock lock(mutex_);
  const auto interrupted = [this] { return wanted_ || stopping_; };
  while (!stopping_) {
    wanted_ = false;
    lock.unlock();
    if (clock_.steady() >= again) held.clear();
    const auto reached = tell_all(http, held);
    lock.lock();
    const bool there = reached && *reached;
    if (there && held.empty()) {
      pause = kFirstPause;
      woken_.wait(lock, interrupted);
      continue;
    }
    if (clock_.steady() >= again) {
      again = clock_.steady() + pause;
      pause = std::min(pause * 2, kLongestPause);
    }
    woken_.wait_for(lock, again - clock_.steady(), [&] { return there ? interrupted() : stopping_.load(); });
  }
}

Result<bool> Outbox::tell_all(client::Http& http, std::set<std::string>& held) {
  std::int64_t after = 0;
  for (bool there = true; there && !stopping_;) {
    std::vector<storage::NotificationRow> page;
    TRY(ledger_.read([&](storage::Connection& db) -> Status {
      TRY(page, storage::notifications(db, after, kPage));
      return {};
    }));
    if (page.empty()) return true;
    after = page.back().id;
    std::vector<std::int64_t> told;
    for (const auto& row : page)
      if (there && !stopping_) there = tell(http, row, told, held);
    crash_point("notifications.told");
    if (told.empty()) continue;
    TRY(ledger_.commit_and_wait(
        [&](storage::Connection& db) { return storage::delete_notifications(db, told); }));
  }
  return false;
}

bool Outbox::tell(client::Http& http, const storage::NotificationRow& row, std::vector<std::int64_t>& told,
                  std::set<std::string>& held) {
  const auto name = row.bucket + '/' + row.key;
  if (held.contains(name)) return true;
  const auto response = http.send(request_of(webhook_, row, stopping_));
  if (!response) {
    log::warn("the webhook for notifications: {}", response.error().message());
    return false;
  }
  if (response->status / 100 == 2) {
    told.push_back(row.id);
  } else {
    log::warn("the webhook for notifications answered {}; the event is sent again later", response->status);
    held.insert(name);
  }
  return true;
}

}  // namespace sagelet::s3::notifications
