#pragma once
// S3: buckets, objects, lists, multipart uploads, tags. What is not in the table of service.cpp answers
// NotImplemented.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "server/services/ports.hpp"
#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"
#include "server/storage/objects.hpp"

namespace sagelet {

/// A folder served as a read-only bucket to every account.
struct SeedBucket {
  std::string name;
  std::filesystem::path folder;
};

struct S3Options {
  std::vector<SeedBucket> seeds;
};

/// The service and SageMaker's view of it; the view lives as long as the service.
struct S3Rooms {
  std::unique_ptr<Service> service;
  ObjectsView* view = nullptr;
};

/// What is given must outlive the service.
S3Rooms make_s3_rooms(S3Options options, storage::Ledger& ledger, storage::ObjectStore& objects,
                      const Clock& clock, Ids& ids);
/// The same, for those who do not need the view.
std::unique_ptr<Service> make_s3(S3Options options, storage::Ledger& ledger, storage::ObjectStore& objects,
                                 const Clock& clock, Ids& ids);

}  // namespace sagelet
