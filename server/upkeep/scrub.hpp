#pragma once
// Reads every object, version and part and holds its bytes against what its record says.
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "server/storage/inventory.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::upkeep {

/// One thing that is not as it was written. Without a key it is a file, or the ledger itself.
struct Finding {
  std::string bucket, key;
  std::string version;     ///< empty: the null version
  std::string upload;      ///< of a part that waits for its upload's end
  std::uint32_t part = 0;  ///< 0: the whole object
  std::string problem;
};

struct ScrubReport {
  std::uint64_t objects = 0;  ///< and versions, and parts of uploads
  std::uint64_t bytes = 0;
  std::uint64_t problems = 0;
  std::vector<Finding> findings;  ///< the first kMostFindings

  std::string json(std::string_view state, std::string_view failure = {}) const;
};
constexpr std::size_t kMostFindings = 10'000;

/// One walk. run() on one thread; report() and stop() from any.
class Scrub {
 public:
  /// Alone: nobody changes the store meanwhile, so what belongs to nobody can be told as well.
  enum class Users { kOthers, kAlone };
  Scrub(storage::ObjectStore& store, Users users) : store_(store), users_(users) {}

  /// An error: the walk could not go on, kCancelled after stop(). What was found is in report(). What is
  /// written meanwhile may be left out.
  Status run();
  void stop() { stopping_ = true; }
  ScrubReport report() const;

 private:
  using BodyId = storage::BodyId;
  Status walk_objects();
  Status walk_versions();
  Status walk_uploads();
  Status check(const storage::HeldObject& object);
  Status check(const storage::HeldUpload& upload, const storage::PartRow& part);
  Status find_strays();
  Status find_ownerless();
  Status check_ledger();
  Status go_on() const;
  template <class Page>
  Status read_page(Page& page, Result<Page> (*next)(storage::Connection&, const storage::HeldAfter&),
                   const storage::HeldAfter& after);

  void count(std::uint64_t bytes);
  void add(Finding finding);

  storage::ObjectStore& store_;
  const Users users_;
  std::atomic<bool> stopping_{false};
  std::vector<BodyId> owned_;  ///< alone: every body that a record names
  mutable std::mutex mutex_;
  ScrubReport report_;
};

}  // namespace sagelet::upkeep
