#include "server/services/s3/access/policy_facts.hpp"

namespace sagelet::s3 {

std::shared_ptr<const PolicyFacts> policy_facts(const Context& context, const Document&, const Action& action,
                                                const ObjectName& object) {
  auto facts = std::make_shared<PolicyFacts>();
  facts->action = object.version.empty() ? action.name : action.versioned;
  facts->resource = "arn:aws:s3:::" + object.bucket;
  if (action.of_object) facts->resource += "/" + object.key;
  facts->arn = context.identity.arn;
  return facts;
}

PolicySays policy_says(const std::string&, const storage::Bucket&, const Claim&, const storage::ObjectRow*) {
  return {};
}

}  // namespace sagelet::s3
