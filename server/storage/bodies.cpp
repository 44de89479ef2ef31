#include "server/storage/bodies.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <system_error>
#include <utility>

#include "base/crash_point.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "fmt/format.h"

namespace sagelet::storage {

namespace {

constexpr std::size_t kCopyPiece = 256 * 1024;

BodyId microseconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::size_t folder_index(BodyId id) {
  return static_cast<std::size_t>(id & 0xff);
}

}  // namespace

std::filesystem::path relative_body_path(BodyId id) {
  return fmt::format("{:02x}/{:016x}", folder_index(id), id);
}

// ---- Staged ----

Staged& Staged::operator=(Staged&& other) noexcept {
  std::swap(bodies_, other.bodies_);
  std::swap(bytes_, other.bytes_);
  std::swap(file_, other.file_);
  std::swap(shared_, other.shared_);
  std::swap(size_, other.size_);
  return *this;
}

Staged::~Staged() {
  if (!file_.name.empty()) (void)bodies_->disk().remove(file_.name);
}

Status Staged::append(std::string_view bytes) {
  if (!file_.fd && bytes_.size() + bytes.size() <= kInlineLimit) {
    bytes_.append(bytes);
  } else {
    if (!file_.fd) TRY(spill());
    TRY(write(bytes));
  }
  size_ += bytes.size();
  return {};
}

Status Staged::spill() {
  TRY(file_, bodies_->disk().create(bodies_->folder()));
  const auto bytes = std::exchange(bytes_, std::string());
  size_ = 0;
  TRY(write(bytes));
  size_ = bytes.size();
  return {};
}

/// A full disk may be full of what was deleted already: then once more, from where this write began.
Status Staged::write(std::string_view bytes) {
  auto written = bodies_->disk().write(file_.fd.get(), bytes);
  if (written || !written.error().is(ErrorKind::kNoSpace)) return written;
  bodies_->wait_for_removals();
  if (::lseek(file_.fd.get(), static_cast<off_t>(size_), SEEK_SET) < 0) return Error::last("lseek");
  return bodies_->disk().write(file_.fd.get(), bytes);
}

// ---- Bodies ----

Bodies::Bodies(std::filesystem::path folder, Durability durability, Disk& disk)
    : folder_(std::move(folder)), durability_(durability), disk_(&disk) {}

Bodies::~Bodies() = default;

void Bodies::start_ids(BodyId highest) {
  first_ = std::max(highest + 1, microseconds_now());
  next_ = first_;
}

Staged Bodies::stage_whole(std::shared_ptr<const UniqueFd> file, std::uint64_t size) {
  Staged staged(*this);
  staged.shared_ = std::move(file);
  staged.size_ = size;
  return staged;
}

std::filesystem::path Bodies::path_of(BodyId id) const {
  return folder_ / relative_body_path(id);
}

/// The file's last name went meanwhile, so it cannot get another: its bytes are copied.
Status Bodies::copy_shared(Staged& staged) {
  TRY(staged.file_, disk_->create(folder_));
  std::string piece(std::min<std::uint64_t>(kCopyPiece, staged.size_), '\0');
  for (std::uint64_t at = 0; at < staged.size_; at += piece.size()) {
    piece.resize(std::min<std::uint64_t>(kCopyPiece, staged.size_ - at));
    TRY(pread_all(staged.shared_->get(), piece, at));
    TRY(disk_->write(staged.file_.fd.get(), piece));
  }
  return {};
}

Status Bodies::keep(Staged& staged, BodyId id) {
  const bool sync = durability_ == Durability::kPower;
  const auto path = path_of(id);
  crash_point("objects.before_name");
  if (staged.shared_) {
    auto linked = disk_->link(staged.shared_->get(), path);
    if (!linked && !linked.error().is(ErrorKind::kNotFound)) return linked;
    if (!linked) TRY(copy_shared(staged));
  }
  if (staged.file_.fd) {
    if (sync) TRY(disk_->sync(staged.file_.fd.get()));
    TRY(disk_->name(staged.file_, path));
  }
  crash_point("objects.after_name");
  if (!sync) return {};
  TRY(disk_->sync_folder(path.parent_path()));
  auto& synced = folder_synced_[folder_index(id)];
  if (!synced) TRY(disk_->sync_folder(folder_));
  synced = true;
  return {};
}

Result<UniqueFd> Bodies::open(BodyId id) const {
  return disk_->open(path_of(id));
}

void Bodies::remove_now(BodyId id) {
  {
    const std::lock_guard lock(pin_mutex_);
    if (holds_ > 0) return held_back_.push_back(id);
  }
  janitor_.post([this, id] {
    removed_from_[folder_index(id)] = true;
    if (auto removed = disk_->remove(path_of(id)); !removed)
      log::warn("the bytes of a deleted object stay: {}", removed.error().message());
  });
}

void Bodies::wait_for_removals() {
  std::promise<void> reached;
  janitor_.post([&reached] { reached.set_value(); });
  reached.get_future().wait();
}

void Bodies::discard(BodyId id) {
  {
    const std::lock_guard lock(pin_mutex_);
    if (const auto pinned = pins_.find(id); pinned != pins_.end()) {
      pinned->second.doomed = true;
      return;
    }
  }
  remove_now(id);
}

void Bodies::discard(const std::vector<BodyId>& ids) {
  for (const auto id : ids) discard(id);
}

void Bodies::pin(const std::vector<BodyId>& ids) {
  const std::lock_guard lock(pin_mutex_);
  for (const auto id : ids) ++pins_[id].count;
}

void Bodies::unpin(const std::vector<BodyId>& ids) {
  std::vector<BodyId> free_now;
  {
    const std::lock_guard lock(pin_mutex_);
    for (const auto id : ids) {
      const auto pinned = pins_.find(id);
      if (pinned == pins_.end() || --pinned->second.count > 0) continue;
      if (pinned->second.doomed) free_now.push_back(id);
      pins_.erase(pinned);
    }
  }
  for (const auto id : free_now) remove_now(id);
}

bool Bodies::pinned(BodyId id) {
  const std::lock_guard lock(pin_mutex_);
  return pins_.contains(id);
}

Bodies::Hold Bodies::hold() {
  const std::lock_guard lock(pin_mutex_);
  ++holds_;
  return Hold(*this);
}

void Bodies::let_go() {
  std::vector<BodyId> free_now;
  {
    const std::lock_guard lock(pin_mutex_);
    if (--holds_ == 0) free_now.swap(held_back_);
  }
  for (const auto id : free_now) remove_now(id);
}

/// A removal that is not synced may be undone by a power cut, and then nothing would ask for a sweep.
void Bodies::finish_removals() {
  wait_for_removals();
  if (durability_ != Durability::kPower) return;
  for (std::size_t i = 0; i < removed_from_.size(); ++i)
    if (removed_from_[i])
      if (auto synced = disk_->sync_folder(path_of(static_cast<BodyId>(i)).parent_path()); !synced)
        log::warn("{}", synced.error().message());
}

Status Bodies::clear() {
  auto old = folder_;
  old += fmt::format(".old-{}", next_id());
  std::error_code failure;
  std::filesystem::rename(folder_, old, failure);
  if (failure) return Error::from_errno(folder_.native(), failure.value());
  for (auto& synced : folder_synced_) synced = false;
  TRY(make_folders(folder_));
  if (durability_ == Durability::kPower) TRY(disk_->sync_folder(folder_.parent_path()));
  janitor_.post([old] {
    if (auto removed = remove_tree(old); !removed) log::warn("{}", removed.error().message());
  });
  return {};
}

}  // namespace sagelet::storage
