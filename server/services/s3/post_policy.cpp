#include "server/services/s3/post_policy.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <set>
#include <string>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "base/time_text.hpp"
#include "fmt/format.h"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3 {

namespace {

/// Need no condition.
constexpr std::array<std::string_view, 5> kFree = {"policy", "signature", "awsaccesskeyid", "x-amz-signature",
                                                   "file"};
/// Checksums only hold the file against itself.
constexpr std::array<std::string_view, 2> kFreePrefixes = {"x-ignore-", "x-amz-checksum-"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

api::Error invalid(std::string_view what) {
  return api::Error::make("InvalidPolicyDocument", "Invalid Policy: " + std::string(what), 400);
}

api::Error denied(std::string_view what) {
  return api::Error::make("AccessDenied", "Invalid according to Policy: " + std::string(what), 403);
}

/// AWS's policies may write "\$" and "\v", which JSON does not know.
std::string as_json(std::string_view policy) {
  std::string json;
  for (std::size_t at = 0; at < policy.size(); ++at) {
    if (policy[at] != '\\' || at + 1 == policy.size()) {
      json += policy[at];
      continue;
    }
    const char next = policy[++at];
    json += next == '$' ? "$" : next == 'v' ? "\\u000b" : std::string{'\\', next};
  }
  return json;
}

bool all_listed_start_with(std::string_view list, std::string_view prefix) {
  while (true) {
    const auto end = std::min(list.find(','), list.size());
    if (!trimmed(list.substr(0, end)).starts_with(prefix)) return false;
    if (end == list.size()) return true;
    list.remove_prefix(end + 1);
  }
}

/// A field that is not there counts as empty.
bool holds(bool exact, std::string_view name, std::string_view wanted, std::string_view value) {
  if (exact) return value == wanted;
  if (name == "content-type") return all_listed_start_with(value, wanted);
  return value.starts_with(wanted);
}

std::optional<std::uint64_t> size_from(const Document& given) {
  if (given.is_number_unsigned()) return given.get<std::uint64_t>();
  if (!given.is_string()) return std::nullopt;
  const auto& text = given.get_ref<const std::string&>();
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return size;
}

class Check {
 public:
  explicit Check(const http::Headers& fields) : fields_(fields) {}

  Reply<void> condition(const Document& condition) {
    if (condition.is_object()) return simple(condition);
    if (!condition.is_array() || condition.size() != 3 || !condition[0].is_string())
      return invalid("Invalid Condition: expected [operation, key, value].");
    const std::string operation = lower(condition[0].get_ref<const std::string&>());
    if (operation == "content-length-range") return size_range(condition);
    if (operation != "eq" && operation != "starts-with")
      return invalid(fmt::format("Invalid Condition: unknown operation '{}'.", operation));
    if (!condition[1].is_string() || !condition[2].is_string() ||
        !condition[1].get_ref<const std::string&>().starts_with('$'))
      return invalid("Invalid Condition: the key must be a string that begins with '$', the value a string.");
    return match(operation == "eq", condition[1].get_ref<const std::string&>().substr(1),
                 condition[2].get_ref<const std::string&>());
  }

  Reply<void> nothing_else() const {
    for (const auto& field : fields_) {
      const auto name = lower(field.name);
      const bool free = std::find(kFree.begin(), kFree.end(), name) != kFree.end() ||
                        std::any_of(kFreePrefixes.begin(), kFreePrefixes.end(),
                                    [&](auto p) { return name.starts_with(p); });
      if (!free && !covered_.contains(name)) return denied("Extra input fields: " + name);
    }
    return {};
  }
  const SizeRange& sizes() const { return sizes_; }

 private:
  Reply<void> simple(const Document& condition) {
    if (condition.size() != 1)
      return invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.");
    const auto only = condition.begin();
    if (!only->is_string()) return invalid("Invalid Simple-Condition: value must be a string.");
    return match(true, only.key(), only->get_ref<const std::string&>());
  }

  Reply<void> size_range(const Document& condition) {
    const auto least = size_from(condition[1]), most = size_from(condition[2]);
    if (!least || !most) return invalid("Invalid Condition: content-length-range takes two sizes in bytes.");
    sizes_.least = std::max(sizes_.least, *least);
    sizes_.most = std::min(sizes_.most, *most);
    return {};
  }

  Reply<void> match(bool exact, std::string_view name, std::string_view wanted) {
    const auto key = lower(name);
    covered_.insert(key);
    if (holds(exact, key, wanted, fields_.get(key))) return {};
    return denied(fmt::format("Policy Condition failed: [\"{}\", \"${}\", \"{}\"]",
                              exact ? "eq" : "starts-with", name, wanted));
  }

  const http::Headers& fields_;
  std::set<std::string> covered_;
  SizeRange sizes_;
};

Reply<void> check_expiration(const Document& policy, WallTime now) {
  const auto expiration = policy.find("expiration");
  if (expiration == policy.end()) return invalid("Policy missing expiration.");
  const auto text = expiration->is_string() ? expiration->get<std::string>() : std::string();
  const auto until = text.find('T') == 10 ? parse_iso8601(text) : std::nullopt;
  if (!until) return invalid(fmt::format("Invalid 'expiration' value: '{}'", text));
  if (*until <= now) return denied("Policy expired.");
  return {};
}

}  // namespace

Reply<SizeRange> check_post_policy(std::string_view policy, const http::Headers& fields, WallTime now) {
  std::string text;
  if (!from_base64(policy, text)) return invalid("Invalid Base64 Encoding.");
  const auto document = Document::parse(as_json(text), nullptr, false);
  if (!document.is_object()) return invalid("Invalid JSON.");
  TRY(check_expiration(document, now));
  const auto conditions = document.find("conditions");
  if (conditions == document.end()) return invalid("Policy missing conditions.");
  if (!conditions->is_array()) return invalid("Invalid 'conditions' value: must be a List.");
  Check check(fields);
  for (const auto& condition : *conditions) TRY(check.condition(condition));
  TRY(check.nothing_else());
  return check.sizes();
}

}  // namespace sagelet::s3
