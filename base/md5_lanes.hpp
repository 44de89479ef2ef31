#pragma once
// MD5 of large bodies beside the threads that receive them, several bodies at once.
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/md5_kernel.hpp"

namespace sagelet {

/// One thread that hashes for all streams; it starts with the first. Outlives its streams. Thread-safe.
class Md5Lanes {
 public:
  class Stream;
  Md5Lanes() = default;
  ~Md5Lanes();
  std::unique_ptr<Stream> stream();

 private:
  void run();
  std::vector<Stream*> next_batch() const;
  void hash(const std::vector<Stream*>& batch);

  std::mutex mutex_;
  std::condition_variable work_, progress_;
  std::vector<Stream*> streams_;  ///< those that live; who was served goes to the end
  bool stopping_ = false;
  std::thread thread_;
};

/// One body. Belongs to one thread at a time.
class Md5Lanes::Stream {
 public:
  ~Stream();
  /// Copies the bytes. Waits while the hashing is 256 KiB behind.
  void update(std::string_view bytes);
  /// 16 raw bytes. Once.
  std::string finish();

 private:
  friend class Md5Lanes;
  using Piece = std::unique_ptr<char[]>;
  explicit Stream(Md5Lanes& lanes) : lanes_(lanes) {}
  void hand_over();
  Piece empty_piece();
  bool presses() const;
  bool is_hashed() const { return waiting_.empty() && !hashed_now_; }

  Md5Lanes& lanes_;
  Md5 md5_;
  Piece filling_;
  std::size_t filled_ = 0;
  // What the hashing thread sees too, under the mutex of the lanes:
  std::deque<Piece> waiting_;
  std::vector<Piece> spare_;
  Piece hashed_now_;
  bool ending_ = false;
};

}  // namespace sagelet
