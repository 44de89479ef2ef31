#pragma once
// Object bytes in files under ids, never under keys: objects/<xx>/<id>. Small bodies lie in the ledger
// instead.
#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "server/storage/disk.hpp"
#include "server/storage/ledger.hpp"
#include "server/storage/workers.hpp"

namespace sagelet::storage {

/// 0: no bytes. Ids only grow, also across restarts.
using BodyId = std::int64_t;

/// Its file's name below the folder of bodies: its last byte, then all of it.
std::filesystem::path relative_body_path(BodyId id);

/// Bodies up to this size lie in the ledger: no inode, no open, no second sync.
constexpr std::size_t kInlineLimit = 16 * 1024;

class Bodies;

/// Bytes on their way in, owned by one thread at a time. What is not kept vanishes with it.
class Staged {
 public:
  Staged() = default;
  Staged(Staged&&) noexcept = default;
  Staged& operator=(Staged&& other) noexcept;
  ~Staged();

  Status append(std::string_view bytes);
  std::uint64_t size() const { return size_; }
  bool in_memory() const { return !file_.fd && !shared_; }
  /// The bytes while they are in memory.
  const std::string& bytes() const { return bytes_; }
  /// Their file while they are not; it is still ours.
  int descriptor() const { return shared_ ? shared_->get() : file_.fd.get(); }

 private:
  friend class Bodies;
  explicit Staged(Bodies& bodies) : bodies_(&bodies) {}
  Status spill();
  Status write(std::string_view bytes);

  Bodies* bodies_ = nullptr;
  std::string bytes_;
  NewFile file_;
  std::shared_ptr<const UniqueFd> shared_;  ///< another body's file, whole: kept by a second link
  std::uint64_t size_ = 0;
};

/// Thread-safe.
class Bodies {
 public:
  Bodies(std::filesystem::path folder, Durability durability, Disk& disk);
  ~Bodies();

  /// Ids start above `highest` (and above all ids that a crash may have left in files).
  void start_ids(BodyId highest);
  BodyId next_id() { return next_.fetch_add(1, std::memory_order_relaxed); }
  /// Files of an earlier run have smaller ids.
  BodyId first_id() const { return first_; }

  Staged stage() { return Staged(*this); }
  /// The whole bytes of an open body, shared without copying.
  Staged stage_whole(std::shared_ptr<const UniqueFd> file, std::uint64_t size);

  /// Names a staged file by `id`; in kPower it and its folder are synced first. Waits for the disk in kPower.
  Status keep(Staged& staged, BodyId id);
  Result<UniqueFd> open(BodyId id) const;
  /// Removes the file in the background, or when its last pin goes.
  void discard(BodyId id);
  void discard(const std::vector<BodyId>& ids);

  /// While pinned, a file stays although its object is gone. Counted.
  void pin(const std::vector<BodyId>& ids);
  void unpin(const std::vector<BodyId>& ids);
  bool pinned(BodyId id);

  /// As long as it lives, no file is removed; afterwards those that were to be.
  class Hold {
   public:
    explicit Hold(Bodies& bodies) : bodies_(bodies) {}
    Hold(const Hold&) = delete;
    ~Hold() { bodies_.let_go(); }

   private:
    Bodies& bodies_;
  };
  [[nodiscard]] Hold hold();

  /// Returns when all removals are done, in kPower for good. At the end, when nobody discards any more.
  void finish_removals();

  /// Forgets all files: the folder is swapped for a new one and removed in the background.
  Status clear();
  /// Runs `work` on the background thread.
  void in_background(std::function<void()> work) { janitor_.post(std::move(work)); }
  /// Waits until the files that were discarded before this call are gone, and their space is free.
  void wait_for_removals();

  std::filesystem::path path_of(BodyId id) const;
  const std::filesystem::path& folder() const { return folder_; }
  Disk& disk() const { return *disk_; }

 private:
  Status copy_shared(Staged& staged);
  void remove_now(BodyId id);
  void let_go();

  std::filesystem::path folder_;
  Durability durability_;
  Disk* disk_;
  BodyId first_ = 1;
  std::atomic<BodyId> next_{1};
  std::array<std::atomic<bool>, 256> folder_synced_{};
  std::array<std::atomic<bool>, 256> removed_from_{};  ///< and not synced since

  struct Pin {
    int count = 0;
    bool doomed = false;
  };
  std::mutex pin_mutex_;
  std::unordered_map<BodyId, Pin> pins_;
  int holds_ = 0;
  std::vector<BodyId> held_back_;
  Workers janitor_{1};
};

}  // namespace sagelet::storage
