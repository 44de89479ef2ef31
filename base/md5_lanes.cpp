#include "base/md5_lanes.hpp"

#include <algorithm>
#include <cstring>

namespace sagelet {

namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kMostWaiting = 4;

}  // namespace

Md5Lanes::~Md5Lanes() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::unique_ptr<Md5Lanes::Stream> Md5Lanes::stream() {
  std::unique_ptr<Stream> made(new Stream(*this));
  const std::lock_guard lock(mutex_);
  streams_.push_back(made.get());
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  return made;
}

/// The streams to hash together now. None: it pays to wait, for some have nothing yet and nobody waits for
/// us.
std::vector<Md5Lanes::Stream*> Md5Lanes::next_batch() const {
  std::vector<Stream*> batch;
  bool pressed = false, more_may_come = false;
  for (Stream* stream : streams_) {
    if (stream->waiting_.empty()) {
      more_may_come = more_may_come || !stream->ending_;
      continue;
    }
    batch.push_back(stream);
    pressed = pressed || stream->presses();
    if (batch.size() == Md5::kLanes) return batch;
  }
  if (!pressed && more_may_come) batch.clear();
  return batch;
}

void Md5Lanes::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    std::vector<Stream*> batch;
    work_.wait(lock, [&] {
      batch = next_batch();
      return stopping_ || !batch.empty();
    });
    if (stopping_) return;
    for (Stream* stream : batch) {
      stream->hashed_now_ = std::move(stream->waiting_.front());
      stream->waiting_.pop_front();
      std::rotate(std::find(streams_.begin(), streams_.end(), stream), std::prev(streams_.end()),
                  streams_.end());
    }
    lock.unlock();
    hash(batch);
    lock.lock();
    for (Stream* stream : batch) stream->spare_.push_back(std::move(stream->hashed_now_));
    progress_.notify_all();
  }
}

void Md5Lanes::hash(const std::vector<Stream*>& batch) {
  Md5::Piece pieces[Md5::kLanes];
  for (std::size_t i = 0; i < batch.size(); ++i) pieces[i] = {&batch[i]->md5_, batch[i]->hashed_now_.get()};
  Md5::update_together({pieces, batch.size()}, kPiece);
}

Md5Lanes::Stream::~Stream() {
  std::unique_lock lock(lanes_.mutex_);
  waiting_.clear();
  lanes_.progress_.wait(lock, [this] { return is_hashed(); });
  std::erase(lanes_.streams_, this);
  lanes_.work_.notify_one();  // the others need not wait for this one any more
}

/// Somebody waits, or soon will.
bool Md5Lanes::Stream::presses() const {
  return ending_ || waiting_.size() >= kMostWaiting - 1;
}

void Md5Lanes::Stream::update(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!filling_) filling_ = empty_piece();
    const auto taken = std::min(bytes.size(), kPiece - filled_);
    std::memcpy(filling_.get() + filled_, bytes.data(), taken);
    filled_ += taken;
    bytes.remove_prefix(taken);
    if (filled_ == kPiece) hand_over();
  }
}

Md5Lanes::Stream::Piece Md5Lanes::Stream::empty_piece() {
  {
    const std::lock_guard lock(lanes_.mutex_);
    if (!spare_.empty()) {
      auto piece = std::move(spare_.back());
      spare_.pop_back();
      return piece;
    }
  }
  return Piece(new char[kPiece]);
}

void Md5Lanes::Stream::hand_over() {
  std::unique_lock lock(lanes_.mutex_);
  lanes_.progress_.wait(lock, [this] { return waiting_.size() < kMostWaiting; });
  waiting_.push_back(std::move(filling_));
  filled_ = 0;
  lanes_.work_.notify_one();
}

std::string Md5Lanes::Stream::finish() {
  {
    std::unique_lock lock(lanes_.mutex_);
    ending_ = true;
    lanes_.work_.notify_one();
    lanes_.progress_.wait(lock, [this] { return is_hashed(); });
  }
  if (filled_ > 0) md5_.update({filling_.get(), filled_});
  return md5_.finish();
}

}  // namespace sagelet
