// First line: a pattern of a rule. Rest: an origin, and the name of a header that a page wants to send.
#include <cstdlib>

#include "base/fuzz_input.hpp"
#include "nlohmann/json.hpp"
#include "server/services/s3/cors_rules.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sagelet;
  const auto [pattern, text] = named_input(data, size);
  const Document rule = {{"AllowedMethods", {"GET"}},
                         {"AllowedOrigins", {std::string(pattern)}},
                         {"AllowedHeaders", {std::string(pattern)}}};
  const Document configuration = {{"CORSRules", {rule}}};
  if (!s3::check_cors(configuration)) return 0;
  const auto rules = s3::cors_rules(configuration);
  const CorsQuestion question{"bucket", text, "GET", {std::string(text)}, false};
  if (const auto* found = s3::find_rule(rules, question)) {
    const auto headers = found->answer(question);
    if (headers.get("access-control-allow-origin") != (pattern == "*" ? pattern : text)) std::abort();
  } else if (pattern == text) {
    std::abort();
  }
  return 0;
}
