#pragma once
// A bucket's policy: parsed once, then asked about requests. No storage, no clock: what a condition asks
// about comes with the request.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json_fwd.hpp"
#include "server/model/call.hpp"
#include "server/services/s3/access/policy_condition.hpp"
#include "server/services/s3/access/principals.hpp"
#include "server/services/s3/access/verdict.hpp"
#include "server/services/s3/access/wildcards.hpp"

namespace sagelet::s3 {

struct PolicyRequest {
  std::string action;    ///< s3:GetObject
  std::string resource;  ///< arn:aws:s3:::bucket or arn:aws:s3:::bucket/key
  bool anonymous = true;
  std::string account;  ///< twelve digits
  std::string arn;      ///< of the caller
  ConditionValues value;
};

/// Immutable: many threads may ask at once.
class Policy {
 public:
  static constexpr std::size_t kMostBytes = 20 * 1024;

  /// MalformedPolicy, in AWS's words, for what is no policy of `bucket`.
  static Reply<Policy> parse(std::string_view json, std::string_view bucket);

  /// A statement that denies wins over every one that allows.
  Verdict judge(const PolicyRequest& request) const;
  /// Does it let in people nobody chose? As GetBucketPolicyStatus and BlockPublicPolicy take it.
  bool is_public() const;

 private:
  /// A list, or all but a list.
  template <class T>
  struct Choice {
    T list;
    bool but = false;
  };

  struct Statement {
    std::string sid;
    bool deny = false;
    Choice<Principals> principals;
    Choice<std::vector<Wildcards>> actions;
    Choice<std::vector<std::string>> resources;
    std::vector<PolicyCondition> conditions;

    static Reply<Statement> parse(const Document& json, std::string_view bucket);
    Reply<void> read_actions(const Document& json);
    Reply<void> read_resources(const Document& json, std::string_view bucket);
    Reply<void> read_conditions(const Document& json);
    bool applies(const PolicyRequest& request, bool variables) const;
    bool names_resource(const PolicyRequest& request, bool variables) const;
    bool is_public() const;
  };

  Reply<void> read_statements(const Document& json, std::string_view bucket);

  bool variables_ = false;  ///< version 2012-10-17
  std::vector<Statement> statements_;
};

}  // namespace sagelet::s3
