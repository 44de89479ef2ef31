#pragma once
// Disk space that a job cannot use up, so that its end can still be told.
#include "base/fs.hpp"

namespace sagelet::runner {

/// Holds a file of kBytes in the job's folder. A job that fills the disk fills the server's too, where its
/// log and its last report have to be written: they get this room.
class DiskReserve {
 public:
  static constexpr std::int64_t kBytes = 4 << 20;

  DiskReserve() = default;
  DiskReserve(const DiskReserve&) = delete;
  DiskReserve& operator=(const DiskReserve&) = delete;
  ~DiskReserve() { give_back(); }

  /// Without space there is no reserve: no error, the job may yet free some.
  void keep(const fs::path& folder);
  void give_back();

 private:
  fs::path file_;
};

/// Less than a megabyte can be written there.
bool disk_is_full(const fs::path& folder);

}  // namespace sagelet::runner
