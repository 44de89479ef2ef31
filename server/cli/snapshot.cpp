#include <filesystem>

#include "fmt/format.h"
#include "server/cli/calls.hpp"
#include "server/cli/terminal.hpp"

namespace sagelet::cli {

namespace {

using Totals = OfflineHooks::Totals;

constexpr std::chrono::minutes kCopying{60};  ///< a ledger of many gigabytes

/// The server prepares what it has in its data folder, we read that: who may save is who may read the folder.
Result<Totals> save_of_server(const Target& target, const std::string& file, const OfflineHooks& offline) {
  Calls calls(target);
  TRY(const auto answer, calls.admin("POST", "snapshot", kCopying));
  const auto prepared = nlohmann::json::parse(answer, nullptr, false);
  if (!prepared.is_object()) return Error(ErrorKind::kInternal, "the server answered: " + answer);
  const auto folder = member(prepared, "folder");
  std::error_code unreadable;
  auto totals =
      std::filesystem::exists(std::filesystem::path(folder) / "ledger.db", unreadable)
          ? offline.pack(folder, file)
          : Error(
                ErrorKind::kPermission,
                fmt::format("{} cannot be read from here: save where the server runs, as its user", folder));
  auto dropped = calls.admin("DELETE", "snapshot/" + member(prepared, "name"));
  if (totals && !dropped) return std::move(dropped).error();
  return totals;
}

int show(const Result<Totals>& totals, std::string_view what, const std::string& where) {
  if (!totals) return report(totals.error());
  fmt::print("{} {}: {} files, {}.\n", what, where, totals->files, bytes_text(totals->bytes));
  return kOk;
}

}  // namespace

int snapshot_save(const Target& target, const std::string& data, const std::string& file,
                  const OfflineHooks& offline) {
  return show(data.empty() ? save_of_server(target, file, offline) : offline.save(data, file), "Saved to",
              file);
}

int snapshot_restore(const std::string& file, const std::string& data, const OfflineHooks& offline) {
  const auto folder = data.empty() ? default_data_folder() : std::filesystem::path(data);
  return show(offline.restore(file, folder), "Restored to", folder.native());
}

}  // namespace sagelet::cli
