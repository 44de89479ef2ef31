#pragma once
// The texts of a policy that stand for many: `*` for any run, `?` for one character, ${aws:username} for what
// the request says.
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sagelet::s3 {

/// The values of a condition key; none when the request has none. The name comes in lower case up to its '/'
/// (s3:existingobjecttag/Team).
using ConditionValues = std::function<std::vector<std::string>(std::string_view key)>;

/// A text whose wildcards are told apart from the same characters in a variable's value.
class Wildcards {
 public:
  enum class Case { kExact, kIgnored };

  /// Every character for itself.
  static Wildcards literal(std::string_view text);
  /// `*` and `?` are wildcards.
  static Wildcards of(std::string_view text);
  enum class Stars { kWild, kPlain };
  /// After ${...} was replaced; nothing when a variable has no value (or several). ${*}, ${?} and ${$} are
  /// those characters; ${key, 'otherwise'} has a default.
  static std::optional<Wildcards> with_variables(std::string_view text, const ConditionValues& values,
                                                 Stars stars = Stars::kWild);

  bool matches(std::string_view text, Case letters = Case::kExact) const;
  /// Does it match a text that begins with these ASCII characters?
  bool may_begin_with(std::string_view text) const;
  /// The piece from `begin` on, `size` characters long.
  Wildcards part(std::size_t begin, std::size_t size = std::string::npos) const;
  /// Where the character `wanted` (no wildcard) is first.
  std::size_t find(char wanted, std::size_t begin = 0) const;
  bool has_wildcard() const;
  std::size_t size() const { return units_.size(); }

 private:
  std::u16string units_;  ///< bytes, and beyond them the wildcards
};

/// Is there a variable in it?
bool has_variable(std::string_view text);

/// `name` as ConditionValues gets it.
std::string condition_key(std::string_view name);

}  // namespace sagelet::s3
