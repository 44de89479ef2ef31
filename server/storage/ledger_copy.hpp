#pragma once
// The whole ledger: a copy of it, and whether it is in order.
#include <filesystem>
#include <string>
#include <vector>

#include "server/storage/ledger.hpp"

namespace sagelet::storage {

/// The database as it is at one moment, in a new file. Changes go on meanwhile.
Status copy_ledger(Ledger& ledger, const std::filesystem::path& file);

/// What is wrong with the database's own pages and indexes, a line each. Reads all of it.
Result<std::vector<std::string>> check_ledger(Ledger& ledger);

}  // namespace sagelet::storage
