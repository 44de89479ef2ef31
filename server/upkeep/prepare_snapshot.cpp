#include <system_error>

#include "base/fs.hpp"
#include "server/upkeep/snapshot.hpp"

namespace sagelet::upkeep {

namespace {

Status copy_authority(const fs::path& from, const fs::path& to) {
  for (const char* name : {"ca.key", "ca.pem"}) {
    const auto text = read_file(from / name);
    if (!text && text.error().is(ErrorKind::kNotFound)) continue;
    if (!text) return text.error();
    TRY(make_folders(to, 0700));
    TRY(write_file(to / name, *text, false, 0600));
  }
  return {};
}

}  // namespace

Status prepare_snapshot(storage::ObjectStore& store, const fs::path& data, const fs::path& prepared) {
  TRY(make_folders(prepared, 0700));
  TRY(copy_authority(data / "authority", prepared / "authority"));
  return store.copy_to(prepared / "ledger.db", prepared / "objects");
}

}  // namespace sagelet::upkeep
