#pragma once
// A running server's scrub and snapshots, as the admin API asks for them.
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.hpp"
#include "server/upkeep/scrub.hpp"

namespace sagelet::upkeep {

/// Thread-safe. The destructor ends a scrub.
class Upkeep {
 public:
  /// Removes what savers of an earlier run left in the data folder.
  Upkeep(storage::ObjectStore& store, const std::filesystem::path& data);
  ~Upkeep();

  /// On a thread of its own, that yields to others; one that runs already goes on.
  void start_scrub();
  /// The latest scrub: {"state": "none" | "running" | "done" | "failed", "objects", "bytes", "problems",
  /// "findings": [{"bucket", "key", "version", "upload", "part", "problem"}], "failure"}.
  std::string scrub_json() const;

  /// {"folder": where what is to be saved lies, for who may read the data folder, "name": for
  /// drop_snapshot()}.
  Result<std::string> prepare_snapshot();
  Status drop_snapshot(std::string_view name);

 private:
  std::filesystem::path saving() const { return data_ / "saving"; }
  void run_scrub();

  storage::ObjectStore& store_;
  std::filesystem::path data_;
  mutable std::mutex mutex_;
  std::unique_ptr<Scrub> scrub_;
  bool running_ = false;
  Status scrubbed_;
  std::thread thread_;
  int serial_ = 0;
};

/// The calling thread reads from the disk when nobody else does, and runs behind others.
void yield_to_others();

}  // namespace sagelet::upkeep
