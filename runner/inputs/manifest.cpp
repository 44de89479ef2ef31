#include "runner/inputs/manifest.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

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

/// Takes the elements of a manifest's array one by one; nothing of them is kept.
class ManifestReader final : public nlohmann::json_sax<Json> {
 public:
  explicit ManifestReader(const EachEntry& each) : each_(each) {}

  nlohmann::json_sax<Json>* sax() { return this; }

  Status outcome(bool whole) {
    if (!whole && fault_) fault_ = bad("not JSON");
    if (whole && !prefix_) fault_ = bad(kForm);
    return std::move(fault_);
  }

 private:
  bool refuse(std::string what) {
    fault_ = bad(std::move(what));
    return false;
  }

  /// A value that is neither a string nor a container.
  bool value() {
    if (depth_ >= 2) return true;  // what else the first element holds
    return depth_ == 0 || elements_ == 0 ? refuse(kForm) : refuse(not_a_string());
  }

  std::string not_a_string() const {
    return fmt::format("element {} of the manifest is not a string", elements_);
  }

  bool open(bool array) {
    if (++depth_ > kDeepest) return refuse("nested too deep");
    if (depth_ == 1) return array || refuse(kForm);
    if (depth_ == 2 && elements_ > 0) return refuse(not_a_string());
    return depth_ > 2 || !array || refuse(kForm);
  }

  bool close() {
    if (--depth_ != 1) return true;
    elements_ = 1;
    if (!text_) return refuse(kForm);
    prefix_ = S3Location::parse(*text_);
    return prefix_.has_value() || refuse("the manifest's prefix is not an S3 URI: " + *text_);
  }

  bool entry(string_t& name) {
    if (prefix_->key.empty() && name.empty())
      return refuse(fmt::format("element {} of the manifest names no object", elements_));
    ++elements_;
    fault_ = each_({{prefix_->bucket, prefix_->key + name}, std::move(name)});
    return fault_.has_value();
  }

  bool string(string_t& text) override {
    if (depth_ == 1 && elements_ > 0) return entry(text);
    if (depth_ == 2 && key_ == "prefix") text_ = std::move(text);
    return depth_ >= 2 || refuse(kForm);
  }
  bool key(string_t& name) override {
    if (depth_ == 2) key_ = std::move(name);
    return true;
  }
  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool start_object(std::size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(true); }
  bool end_array() override { return depth_ == 1 || close(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override { return false; }

  static constexpr int kDeepest = 100;
  static constexpr const char* kForm =
      "a manifest is a JSON array whose first element is {\"prefix\": \"s3://...\"}";

  const EachEntry& each_;
  int depth_ = 0;
  std::uint64_t elements_ = 0;  ///< that are complete
  std::string key_;             ///< the first element's, at hand
  std::optional<std::string> text_;
  std::optional<S3Location> prefix_;
  Status fault_;
};

}  // namespace

Status read_manifest(std::FILE* text, const EachEntry& each) {
  ManifestReader reader(each);
  return reader.outcome(Json::sax_parse(text, reader.sax()));
}

Status read_manifest(std::string_view text, const EachEntry& each) {
  ManifestReader reader(each);
  return reader.outcome(Json::sax_parse(text.begin(), text.end(), reader.sax()));
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

Status each_line(std::FILE* text, const std::function<Status(std::string_view)>& each) {
  char* buffer = nullptr;
  std::size_t room = 0;
  Status result;
  for (ssize_t length; result && (length = ::getline(&buffer, &room, text)) >= 0;) {
    const auto line = trimmed({buffer, static_cast<std::size_t>(length)});
    if (!line.empty()) result = each(line);
  }
  std::free(buffer);
  return result;
}

}  // namespace sagelet::runner
