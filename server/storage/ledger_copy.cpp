#include "server/storage/ledger_copy.hpp"

#include "server/storage/ledger_connection.hpp"

namespace sagelet::storage {

namespace {

Result<std::string> file_of(Connection& db) {
  constexpr int kFile = 2;
  auto query = db.prepare("PRAGMA database_list");
  TRY(const bool found, query.step());
  if (!found) return Error(ErrorKind::kInternal, "the ledger has no file");
  return std::string(query.text(kFile));
}

}  // namespace

/// Within a read, so that the ledger is not cleared meanwhile; by a connection of its own, for a transaction
/// cannot copy.
Status copy_ledger(Ledger& ledger, const std::filesystem::path& file) {
  return ledger.read([&](Connection& db) -> Status {
    TRY(const auto source, file_of(db));
    TRY(const auto own, open_connection(source, Role::kWriter, ledger.durability(), nullptr));
    auto copied = Connection(own.get()).prepare("VACUUM INTO ?").bind(1, file.native()).run();
    if (!copied) return std::move(copied).error().context("copying the ledger");
    return {};
  });
}

Result<std::vector<std::string>> check_ledger(Ledger& ledger) {
  std::vector<std::string> wrong;
  TRY(ledger.read([&](Connection& db) -> Status {
    auto query = db.prepare("PRAGMA quick_check");
    while (true) {
      TRY(const bool more, query.step());
      if (!more) return {};
      if (query.text(0) != "ok") wrong.emplace_back(query.text(0));
    }
  }));
  return wrong;
}

}  // namespace sagelet::storage
