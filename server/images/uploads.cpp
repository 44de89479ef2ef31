#include "server/images/uploads.hpp"

#include "fmt/format.h"

namespace sagelet::images {

UploadLease& UploadLease::operator=(UploadLease&& other) noexcept {
  std::swap(uploads_, other.uploads_);
  std::swap(upload_, other.upload_);
  return *this;
}

UploadLease::~UploadLease() {
  if (upload_) uploads_->give_back(upload_);
}

void UploadLease::write(std::string_view bytes) {
  if (upload_->failure || bytes.empty()) return;
  if (auto staged = upload_->staged.append(bytes); !staged) {
    upload_->failure = std::move(staged).error();
    return;
  }
  upload_->sha256.update(bytes);
}

Outcome<void> UploadLease::ok() const {
  if (upload_->failure) return Refused(*upload_->failure);
  return {};
}

Outcome<storage::Staged> UploadLease::finish(const ContentDigest& digest) {
  uploads_->remove(upload_);
  TRY(ok());
  const auto computed = digest_from_raw(upload_->sha256.finish());
  if (computed != digest)
    return Refused(Why::kDigestDiffers,
                   fmt::format("the bytes have the digest {}, not {}", computed.view(), digest.view()));
  return std::move(upload_->staged);
}

void UploadLease::drop() {
  uploads_->remove(upload_);
}

Outcome<UploadLease> Uploads::start(const Registry& registry, std::string_view repository,
                                    storage::Staged staged) {
  auto upload = std::make_shared<Upload>();
  upload->id = ids_.uuid();
  upload->registry = registry;
  upload->repository = repository;
  upload->staged = std::move(staged);
  upload->used = clock_.steady();
  upload->busy = true;
  const std::lock_guard lock(mutex_);
  drop_idle();
  if (uploads_.size() >= kMost)
    return Refused(Why::kTooManyUploads, fmt::format("{} uploads are open already", uploads_.size()));
  uploads_.emplace(upload->id, upload);
  return UploadLease(*this, std::move(upload));
}

Outcome<UploadLease> Uploads::take(const Registry& registry, std::string_view repository,
                                   std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second->registry != registry ||
      found->second->repository != repository)
    return Refused(Why::kNoUpload, "no such upload; start a new one");
  if (found->second->busy) return Refused(Why::kUploadBusy, "another request is feeding this upload");
  found->second->busy = true;
  return UploadLease(*this, found->second);
}

void Uploads::give_back(const std::shared_ptr<Upload>& upload) {
  const std::lock_guard lock(mutex_);
  upload->busy = false;
  upload->used = clock_.steady();
}

void Uploads::remove(const std::shared_ptr<Upload>& upload) {
  const std::lock_guard lock(mutex_);
  uploads_.erase(upload->id);
}

/// Under the lock.
void Uploads::drop_idle() {
  const auto before = clock_.steady() - kKept;
  std::erase_if(uploads_,
                [&](const auto& entry) { return !entry.second->busy && entry.second->used < before; });
}

void Uploads::clear() {
  const std::lock_guard lock(mutex_);
  uploads_.clear();
}

std::size_t Uploads::count() const {
  const std::lock_guard lock(mutex_);
  return uploads_.size();
}

}  // namespace sagelet::images
