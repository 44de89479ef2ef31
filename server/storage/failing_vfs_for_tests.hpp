#pragma once
// SQLite's system layer with a disk that fills up and a sync that fails, on command. For tests only.
#include <atomic>

namespace sagelet::storage {

struct FailingVfs {
  std::atomic<bool> disk_full{false};
  std::atomic<bool> sync_fails{false};
  std::atomic<int> syncs{0};
  std::atomic<int> writes{0};
  static FailingVfs& get();  ///< registers it at the first call
  static constexpr const char* kName = "sagelet-failing";
};

}  // namespace sagelet::storage
