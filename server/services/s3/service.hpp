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
#include "server/services/s3/access/accounts.hpp"
#include "server/services/s3/upstream/options.hpp"
#include "server/services/service.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::s3 {

/// A folder served as a read-only bucket to every account.
struct SeedBucket {
  std::string name;
  std::filesystem::path folder;
};

struct S3Options {
  std::vector<Account> accounts;     ///< of the config: who ACLs may name
  bool any_account = true;           ///< lax mode: other accounts come and go
  std::string region = "us-east-1";  ///< where the seeded buckets say they are
  std::vector<SeedBucket> seeds;
  std::string notifications_webhook;  ///< URL that events of buckets are posted to; empty: nowhere
  std::chrono::milliseconds lifecycle_day = std::chrono::hours(24);  ///< shorter, to watch rules work
  upstream::Options upstream;
};

/// The service, SageMaker's view of it and the gateway's; the views live as long as the service.
struct S3 {
  std::unique_ptr<Service> service;
  ObjectsView* view = nullptr;
  CorsView* cors = nullptr;
};

/// What is given must outlive the service. A seed that is no folder, or a name that no bucket may have, is
/// kInvalid.
Result<S3> make_s3(S3Options options, storage::ObjectStore& objects, const Clock& clock, Ids& ids);

}  // namespace sagelet::s3
