#include "server/services/s3/access/accounts.hpp"

#include <algorithm>

#include "server/services/s3/names.hpp"

namespace sagelet::s3 {

namespace {

bool is_canonical(std::string_view id) {
  return id.size() == 64 && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

Accounts::Accounts(std::vector<Account> known, bool any) : any_(any) {
  for (auto& account : known) {
    auto user = canonical_user(account.id);
    known_.push_back({std::move(account), std::move(user)});
  }
}

bool Accounts::knows_user(std::string_view canonical_id) const {
  if (any_ && is_canonical(canonical_id)) return true;
  return std::any_of(known_.begin(), known_.end(),
                     [&](const Known& known) { return known.user == canonical_id; });
}

std::optional<std::string> Accounts::user_of_email(std::string_view email) const {
  for (const auto& known : known_)
    if (!known.account.email.empty() && known.account.email == email) return known.user;
  return std::nullopt;
}

User Accounts::user_of(std::string_view account_id) const {
  User user{canonical_user(account_id), {}};
  user.name = name_of_user(user.id);
  return user;
}

std::string_view Accounts::name_of_user(std::string_view canonical_id) const {
  for (const auto& known : known_)
    if (known.user == canonical_id) return known.account.name;
  return {};
}

}  // namespace sagelet::s3
