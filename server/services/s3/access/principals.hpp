#pragma once
// Whom a statement is about.
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json_fwd.hpp"
#include "server/model/call.hpp"

namespace sagelet::s3 {

/// The caller as a policy knows it.
struct Caller {
  bool anonymous = true;
  std::string_view account;  ///< twelve digits
  std::string_view arn;      ///< arn:aws:sts::<account>:assumed-role/<role>/<session>, or a user's
};

class Principals {
 public:
  /// From the value of Principal or NotPrincipal: "*" or {"AWS": ..., "CanonicalUser": ..., ...}.
  static Reply<Principals> parse(const Document& value);

  bool match(const Caller& caller) const;
  /// Is it everybody ("*")?
  bool everybody() const { return everybody_; }

 private:
  Reply<void> add(std::string_view kind, const Document& name);
  Reply<void> add_aws(std::string_view name);

  bool everybody_ = false;
  std::vector<std::string> accounts_;
  std::vector<std::string> arns_;
  std::vector<std::string> canonical_users_;
};

}  // namespace sagelet::s3
