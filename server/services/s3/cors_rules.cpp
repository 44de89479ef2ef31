#include "server/services/s3/cors_rules.hpp"

#include <algorithm>
#include <array>

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3 {

namespace {

using Strings = std::vector<std::string>;

constexpr std::size_t kMostRules = 100, kMostIdBytes = 255;
constexpr std::array<std::string_view, 5> kMethods{"GET", "PUT", "POST", "DELETE", "HEAD"};

bool same_start(std::string_view text, std::string_view start) {
  return text.size() >= start.size() && http::same_name(text.substr(0, start.size()), start);
}

bool same_end(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && http::same_name(text.substr(text.size() - end.size()), end);
}

/// The one `*` of a pattern stands for any run.
bool origin_fits(std::string_view pattern, std::string_view origin) {
  const auto star = pattern.find('*');
  if (star == pattern.npos) return pattern == origin;
  const auto end = pattern.substr(star + 1);
  return origin.size() + 1 >= pattern.size() && origin.starts_with(pattern.substr(0, star)) &&
         origin.ends_with(end);
}

bool header_fits(std::string_view pattern, std::string_view name) {
  const auto star = pattern.find('*');
  if (star == pattern.npos) return http::same_name(pattern, name);
  return name.size() + 1 >= pattern.size() && same_start(name, pattern.substr(0, star)) &&
         same_end(name, pattern.substr(star + 1));
}

template <class Fits>
const std::string* first_fit(const Strings& patterns, std::string_view text, Fits fits) {
  const auto found = std::find_if(patterns.begin(), patterns.end(),
                                  [&](const std::string& pattern) { return fits(pattern, text); });
  return found == patterns.end() ? nullptr : &*found;
}

std::string joined(const Strings& list) {
  return fmt::format("{}", fmt::join(list, ", "));
}

Strings strings(const Document& rule, const char* name) {
  const auto found = rule.find(name);
  return found == rule.end() ? Strings() : found->get<Strings>();
}

bool many_stars(std::string_view text) {
  return std::count(text.begin(), text.end(), '*') > 1;
}

Reply<void> check_rule(const Document& rule) {
  const auto methods = strings(rule, "AllowedMethods"), origins = strings(rule, "AllowedOrigins");
  if (methods.empty() || origins.empty()) return errors::malformed_xml();
  if (rule.value("ID", "").size() > kMostIdBytes)
    return errors::invalid_request(
        "The ID of a CORS rule should not exceed allowed limit of 255 characters.");
  for (const auto& method : methods) {
    if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end())
      return errors::invalid_request(
          fmt::format("Found unsupported HTTP method in CORS config. Unsupported method is {}", method));
  }
  for (const auto& origin : origins) {
    if (many_stars(origin))
      return errors::invalid_request(
          fmt::format("AllowedOrigin \"{}\" can not have more than one wildcard.", origin));
  }
  for (const auto& header : strings(rule, "AllowedHeaders")) {
    if (many_stars(header))
      return errors::invalid_request(
          fmt::format("AllowedHeader \"{}\" can not have more than one wildcard.", header));
  }
  for (const auto& header : strings(rule, "ExposeHeaders")) {
    if (header.find('*') != header.npos)
      return errors::invalid_request(fmt::format(
          "ExposeHeader \"{}\" contains wildcard. We currently do not support wildcard for ExposeHeader.",
          header));
  }
  return {};
}

}  // namespace

bool CorsRule::allows(const CorsQuestion& question) const {
  if (first_fit(origins, question.origin, origin_fits) == nullptr) return false;
  if (std::find(methods.begin(), methods.end(), question.method) == methods.end()) return false;
  return std::all_of(question.headers.begin(), question.headers.end(), [this](const std::string& name) {
    return first_fit(headers, name, header_fits) != nullptr;
  });
}

http::Headers CorsRule::answer(const CorsQuestion& question) const {
  http::Headers out;
  const auto* origin = first_fit(origins, question.origin, origin_fits);
  const bool anybody = origin != nullptr && *origin == "*";
  out.add("Access-Control-Allow-Origin", anybody ? "*" : std::string(question.origin));
  out.add("Access-Control-Allow-Methods", joined(methods));
  if (!question.headers.empty()) out.add("Access-Control-Allow-Headers", joined(question.headers));
  if (!exposed.empty()) out.add("Access-Control-Expose-Headers", joined(exposed));
  if (max_age) out.add("Access-Control-Max-Age", std::to_string(*max_age));
  if (!anybody) out.add("Access-Control-Allow-Credentials", "true");
  out.add("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
  return out;
}

Reply<void> check_cors(const Document& configuration) {
  const auto rules = configuration.find("CORSRules");
  if (rules == configuration.end() || rules->empty()) return errors::malformed_xml();
  if (rules->size() > kMostRules)
    return errors::invalid_request("The number of CORS rules should not exceed allowed limit of 100 rules.");
  for (const auto& rule : *rules) TRY(check_rule(rule));
  return {};
}

std::vector<CorsRule> cors_rules(const Document& configuration) {
  std::vector<CorsRule> rules;
  for (const auto& given : configuration.at("CORSRules")) {
    auto& rule = rules.emplace_back(CorsRule{strings(given, "AllowedOrigins"),
                                             strings(given, "AllowedMethods"),
                                             strings(given, "AllowedHeaders"),
                                             strings(given, "ExposeHeaders"),
                                             {}});
    if (given.contains("MaxAgeSeconds")) rule.max_age = given["MaxAgeSeconds"].get<std::int64_t>();
  }
  return rules;
}

const CorsRule* find_rule(const std::vector<CorsRule>& rules, const CorsQuestion& question) {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const CorsRule& rule) { return rule.allows(question); });
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace sagelet::s3
