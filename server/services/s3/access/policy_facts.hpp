#pragma once
// The seam to bucket policies: what a policy may ask about a call, and what it says to it.
#include <memory>
#include <string>

#include "server/model/call.hpp"
#include "server/services/s3/access/claim.hpp"
#include "server/services/s3/access/verdict.hpp"
#include "server/services/s3/names.hpp"
#include "server/services/service.hpp"
#include "server/storage/pairs.hpp"

namespace sagelet::s3 {

/// Taken from a call while it is at hand; made only for buckets that have a policy.
struct PolicyFacts {
  std::string action;     ///< "s3:GetObjectVersion"
  std::string resource;   ///< arn:aws:s3:::bucket/key
  std::string arn;        ///< the caller's
  storage::Pairs values;  ///< condition keys in lower case and their values
};

/// `object` names the bucket, and the key and version for an action of objects.
std::shared_ptr<const PolicyFacts> policy_facts(const Context& context, const Document& params,
                                                const Action& action, const ObjectName& object);

struct PolicySays {
  Verdict verdict = Verdict::kSilent;
  bool is_public = false;
};

/// `row`: the object at hand, whose tags a policy may ask about; null when there is none.
PolicySays policy_says(const std::string& policy, const storage::Bucket& bucket, const Claim& claim,
                       const storage::ObjectRow* row);

}  // namespace sagelet::s3
