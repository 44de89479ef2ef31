#pragma once
// The digests of an object's bytes, and how they differ from its record.
#include <optional>
#include <string>
#include <vector>

#include "server/services/s3/checksums.hpp"
#include "server/storage/inventory.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::upkeep {

/// One stretch of bytes in one body, and what its record says of it. Empty texts say nothing.
struct Expected {
  std::uint64_t size = 0;
  storage::BodyId body = 0;
  std::string checksum;    ///< base64, of this stretch
  std::string properties;  ///< packed: a customer's key is part of the ETag
};

/// What a body was found to hold.
struct Read {
  std::uint64_t size = 0;
  std::string etag;      ///< as S3 makes it of these bytes alone
  std::string checksum;  ///< base64, when a kind was asked for
  std::string problem;   ///< empty: as expected
};

/// Reads one body; `whole` (may be null) is fed as well.
Result<Read> read_and_compare(storage::ObjectStore& store, const Expected& expected,
                              std::optional<s3::ChecksumKind> kind, s3::Checksum* whole);

struct Difference {
  std::uint32_t part = 0;  ///< 0: the whole
  std::string problem;
};
/// An object's bytes against its record; `read` grows by what was read.
Result<std::vector<Difference>> compare(storage::ObjectStore& store, const storage::HeldObject& object,
                                        std::uint64_t& read);

}  // namespace sagelet::upkeep
