#pragma once
// Everything that has bytes, a page at a time: for walks over the whole store that hold no transaction open.
#include <cstdint>
#include <string>
#include <vector>

#include "server/storage/object_rows.hpp"
#include "server/storage/upload_rows.hpp"

namespace sagelet::storage {

struct HeldObject {
  Bucket bucket;
  ObjectRow row;
};

/// Where the last page ended.
struct HeldAfter {
  std::int64_t bucket = 0;
  std::string key;
  std::string version;
};

constexpr std::size_t kHeldPage = 256;

/// Newest objects, in order of bucket and key.
Result<std::vector<HeldObject>> objects_after(Connection& db, const HeldAfter& after);
/// What is not its key's newest object, delete markers left out.
Result<std::vector<HeldObject>> versions_after(Connection& db, const HeldAfter& after);

struct HeldUpload {
  Bucket bucket;
  UploadRow upload;
  std::vector<PartRow> parts;
};
Result<std::vector<HeldUpload>> uploads_after(Connection& db, const HeldAfter& after);

/// Whether the record still names these bytes.
Result<bool> still_held(Connection& db, const HeldObject& object);
Result<bool> still_held(Connection& db, const std::string& upload, const PartRow& part);

/// Bodies' ids above `after`, in order.
Result<std::vector<BodyId>> bodies_after(Connection& db, BodyId after);
/// The same, of those in files alone.
Result<std::vector<BodyId>> files_after(Connection& db, BodyId after);

}  // namespace sagelet::storage
