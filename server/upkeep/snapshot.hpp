#pragma once
// The whole state in one file and back: docs/formats/snapshot.md.
#include <cstdint>
#include <filesystem>

#include "base/result.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::upkeep {

struct Totals {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

/// Ledger, bodies and authority of the data folder `data`, as they are at one moment, in the new folder
/// `prepared` of the same file system. The store may be in use.
Status prepare_snapshot(storage::ObjectStore& store, const std::filesystem::path& data,
                        const std::filesystem::path& prepared);

/// What was prepared, as one file: whole or not at all, in place of a former one. Compressed when its name
/// ends in .gz.
Result<Totals> write_snapshot(const std::filesystem::path& prepared, const std::filesystem::path& file);

/// Makes `data`, which must be missing or empty, of the file: whole, each byte checked, or not at all.
Result<Totals> restore_snapshot(const std::filesystem::path& file, const std::filesystem::path& data);

}  // namespace sagelet::upkeep
