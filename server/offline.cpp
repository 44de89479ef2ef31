#include "server/offline.hpp"

#include <chrono>
#include <future>
#include <system_error>

#include "fmt/format.h"
#include "server/data_folder.hpp"
#include "server/upkeep/scrub.hpp"
#include "server/upkeep/snapshot.hpp"

namespace sagelet {

namespace {

using Totals = cli::OfflineHooks::Totals;

constexpr std::chrono::milliseconds kBetweenProgress{500};

/// A data folder that is there already, held and opened. Members in the order in which they open.
struct Opened {
  DataFolder data;
  std::unique_ptr<storage::Ledger> ledger;
  std::unique_ptr<storage::ObjectStore> objects;
};

Result<Opened> open(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path / "ledger.db", ignored))
    return Error(ErrorKind::kNotFound,
                 fmt::format("{} is not a data folder: it has no ledger.db", path.native()));
  TRY(auto data, DataFolder::hold(path));
  TRY(auto ledger, storage::Ledger::open(data.ledger(), storage::Durability::kPower));
  TRY(auto objects, storage::ObjectStore::open(data.objects(), *ledger));
  return Opened{std::move(data), std::move(ledger), std::move(objects)};
}

Result<Totals> plain(const Result<upkeep::Totals>& totals) {
  if (!totals) return totals.error();
  return Totals{totals->files, totals->bytes};
}

Result<std::string> scrub(const fs::path& path, const std::function<void(std::string_view)>& progress) {
  TRY(const auto opened, open(path));
  upkeep::Scrub scrub(*opened.objects, upkeep::Scrub::Users::kAlone);
  auto running = std::async(std::launch::async, [&scrub] { return scrub.run(); });
  while (running.wait_for(kBetweenProgress) != std::future_status::ready)
    progress(scrub.report().json("running"));
  TRY(running.get());
  return scrub.report().json("done");
}

Result<Totals> pack(const fs::path& prepared, const fs::path& file) {
  return plain(upkeep::write_snapshot(prepared, file));
}

Result<Totals> save(const fs::path& path, const fs::path& file) {
  TRY(const auto opened, open(path));
  TRY(const auto parent, TempFolder::make(opened.data.path(), "saving-"));
  const auto prepared = parent.path() / "state";
  TRY(upkeep::prepare_snapshot(*opened.objects, opened.data.path(), prepared));
  return pack(prepared, file);
}

Result<Totals> restore(const fs::path& file, const fs::path& data) {
  return plain(upkeep::restore_snapshot(file, data));
}

}  // namespace

cli::OfflineHooks offline_hooks() {
  return {.scrub = scrub, .save = save, .pack = pack, .restore = restore};
}

}  // namespace sagelet
