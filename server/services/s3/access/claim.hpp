#pragma once
// Who wants what: a claim that can be judged again inside a transaction.
#include <memory>
#include <string>

#include "server/services/s3/access/acl.hpp"
#include "server/storage/object_rows.hpp"
#include "server/storage/objects.hpp"

namespace sagelet::s3 {

struct PolicyFacts;

/// Somebody wants to do something.
struct Claim {
  std::string account;  ///< of the caller; kNoAccount when nobody signed
  const Action* action = nullptr;
  std::shared_ptr<const PolicyFacts> facts;  ///< null where the bucket had no policy
};

/// A bucket whose caller may do what the claim says.
struct Permit {
  storage::Bucket bucket;
  Claim claim;
};

/// An object whose caller may do what the claim says; without a bucket when it is a seeded one.
struct OpenedObject : storage::OpenObject {
  Permit permit;
};

}  // namespace sagelet::s3
