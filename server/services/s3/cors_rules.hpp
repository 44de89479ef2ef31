#pragma once
// A bucket's CORS rules: which pages may ask for what, and the headers that tell browsers so. Without state.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nlohmann/json_fwd.hpp"
#include "server/model/call.hpp"
#include "server/services/ports.hpp"

namespace sagelet::s3 {

struct CorsRule {
  std::vector<std::string> origins;  ///< one `*` at most in each
  std::vector<std::string> methods;
  std::vector<std::string> headers;  ///< that a page may send; one `*` at most in each
  std::vector<std::string> exposed;  ///< that a page may read
  std::optional<std::int64_t> max_age;

  bool allows(const CorsQuestion& question) const;
  /// What goes with the answer to a question that the rule allows.
  http::Headers answer(const CorsQuestion& question) const;
};

/// A CORSConfiguration as a client puts it: MalformedXML, or InvalidRequest in AWS's words.
Reply<void> check_cors(const Document& configuration);
/// From a configuration that passed.
std::vector<CorsRule> cors_rules(const Document& configuration);
/// The first rule that allows it; null when none does.
const CorsRule* find_rule(const std::vector<CorsRule>& rules, const CorsQuestion& question);

}  // namespace sagelet::s3
