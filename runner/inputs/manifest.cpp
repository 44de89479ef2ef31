#include "runner/inputs/manifest.hpp"

#include <nlohmann/json.hpp>

#include "base/fs.hpp"
#include "fmt/format.h"

namespace sagelet::runner {
namespace {

using Json = nlohmann::json;

Error bad(std::string what) {
  return Error(ErrorKind::kInvalid, std::move(what));
}

/// JSON arrays of a hostile depth never reach the recursive parser.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_text) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        in_text = false;
    } else if (text[i] == '"') {
      in_text = true;
    } else if (text[i] == '[' || text[i] == '{') {
      if (++depth > 100) return true;
    } else if (text[i] == ']' || text[i] == '}') {
      --depth;
    }
  }
  return false;
}

Result<Json> parsed(std::string_view text) {
  if (too_deep(text)) return bad("nested too deep");
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return bad("not JSON");
  return json;
}

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == text.npos ? std::string_view() : text.substr(first);
}

/// Where the JSON value at the front of valid JSON ends.
std::size_t end_of_value(std::string_view text) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      if (c == '\\') ++i;
      in_text = c != '"';
      if (!in_text && depth == 0) return i + 1;
      continue;
    }
    if (c == '"') in_text = true;
    if (c == '[' || c == '{') ++depth;
    const bool closes = c == ']' || c == '}';
    if (closes && depth == 0) return i;
    if (closes && --depth == 0) return i + 1;
    if (depth == 0 && (c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\r' || c == '\n')) return i;
  }
  return text.size();
}

/// The JSON text of member `name` of a valid object: numbers keep the form they were written in.
std::optional<std::string> text_of_member(std::string_view object, const std::string& name) {
  std::optional<std::string> found;  // the last of equal names counts
  std::string_view rest = without_blanks(object).substr(1);
  while (true) {
    rest = without_blanks(rest);
    if (rest.empty() || rest.front() == '}') return found;
    const auto key = rest.substr(0, end_of_value(rest));
    rest = without_blanks(rest.substr(key.size()));
    rest = without_blanks(rest.substr(1));  // the colon
    const auto value = rest.substr(0, end_of_value(rest));
    if (Json::parse(key).get_ref<const std::string&>() == name) found = value;
    rest = without_blanks(rest.substr(value.size()));
    if (rest.starts_with(',')) rest.remove_prefix(1);
  }
}

}  // namespace

Result<std::vector<ManifestEntry>> parse_manifest(std::string_view text) {
  TRY(const Json json, parsed(text));
  if (!json.is_array() || json.empty() || !json[0].is_object() || !json[0].contains("prefix") ||
      !json[0]["prefix"].is_string())
    return bad("a manifest is a JSON array whose first element is {\"prefix\": \"s3://...\"}");
  const std::string prefix = json[0]["prefix"];
  const auto place = S3Location::parse(prefix);
  if (!place) return bad(fmt::format("the manifest's prefix is not an S3 URI: {}", prefix));
  std::vector<ManifestEntry> entries;
  entries.reserve(json.size() - 1);
  for (std::size_t i = 1; i < json.size(); ++i) {
    if (!json[i].is_string()) return bad(fmt::format("element {} of the manifest is not a string", i));
    const std::string& name = json[i].get_ref<const std::string&>();
    if (place->key.empty() && name.empty())
      return bad(fmt::format("element {} of the manifest names no object", i));
    entries.push_back({{place->bucket, place->key + name}, name});
  }
  return entries;
}

Result<std::vector<AttributeValue>> attributes_of(std::string_view line,
                                                  const std::vector<std::string>& names) {
  TRY(const Json json, parsed(line));
  if (!json.is_object()) return bad("not a JSON object");
  std::vector<AttributeValue> values;
  for (const std::string& name : names) {
    const auto found = json.find(name);
    if (found == json.end()) return bad(fmt::format("attribute {} is missing", name));
    const bool reference = name.ends_with("-ref");
    if (reference && (!found->is_string() || !S3Location::parse(found->get_ref<const std::string&>())))
      return bad(fmt::format("attribute {} is not an S3 URI", name));
    values.push_back({reference, reference ? found->get<std::string>() : *text_of_member(line, name)});
  }
  return values;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = trimmed(text.substr(0, end));
    if (!line.empty()) lines.emplace_back(line);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace sagelet::runner
