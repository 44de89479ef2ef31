#pragma once
// The accounts that ACLs may name: those of the config, and in lax mode any.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sagelet::s3 {

struct Account {
  std::string id;     ///< twelve digits
  std::string name;   ///< shown as DisplayName; may be empty
  std::string email;  ///< may be empty
};

/// An account as answers show it.
struct User {
  std::string id;    ///< canonical; empty: not to be shown
  std::string name;  ///< may be empty
};

/// Immutable: many threads may ask at once.
class Accounts {
 public:
  Accounts() = default;
  /// `any`: other accounts may be there too (lax mode), so that every well-formed id may be granted
  /// something.
  Accounts(std::vector<Account> known, bool any);

  /// Is it the id of a canonical user?
  bool knows_user(std::string_view canonical_id) const;
  /// The canonical id of the account with that e-mail address.
  std::optional<std::string> user_of_email(std::string_view email) const;
  User user_of(std::string_view account_id) const;
  /// "" when it has none.
  std::string_view name_of_user(std::string_view canonical_id) const;

 private:
  struct Known {
    Account account;
    std::string user;
  };
  std::vector<Known> known_;
  bool any_ = true;
};

}  // namespace sagelet::s3
