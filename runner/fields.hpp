#pragma once
// Plain data to JSON and back, for the files of a job's folder.
#include <concepts>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace sagelet {

struct MetricValue;
void to_json(nlohmann::json& json, const MetricValue& value);
void from_json(const nlohmann::json& json, MetricValue& value);

namespace fields {

using Json = nlohmann::json;

// Each structure lists its fields once; Writer and Reader walk the same list, so the two directions cannot
// drift.

/// Puts every field into an object.
struct Writer {
  Json json = Json::object();
  template <class T>
  void operator()(const char* name, const T& value) {
    json[name] = value;
  }
};

/// A whole number that the field can hold; nlohmann would cut a larger one off.
template <class T>
T whole_number(const Json& found, const char* name) {
  const bool fits = found.is_number_unsigned()  ? std::in_range<T>(found.get<std::uint64_t>())
                    : found.is_number_integer() ? std::in_range<T>(found.get<std::int64_t>())
                                                : false;
  if (!fits) throw std::invalid_argument(std::string(name) + " is no whole number of its range");
  return found.get<T>();
}

/// Takes the fields that are there; a missing one keeps its default, a wrong type throws.
struct Reader {
  const Json& json;
  template <class T>
  void operator()(const char* name, T& value) {
    const auto found = json.find(name);
    if (found == json.end()) return;
    if constexpr (std::integral<T> && !std::same_as<T, bool>)
      value = whole_number<T>(*found, name);
    else
      found->get_to(value);
  }
};

template <class T>
Json object_of(const T& value, void (*fields)(const T&, Writer&)) {
  Writer writer;
  fields(value, writer);
  return std::move(writer.json);
}

/// Bytes that are not UTF-8 (a script's failure text) are replaced, never refused.
inline std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Runs `read` on the object in `text`; nlohmann's exceptions end here.
template <class Read>
Status parse(std::string_view text, const char* what, Read read) {
  try {
    const Json json = Json::parse(text);
    if (!json.is_object()) return Error(ErrorKind::kInvalid, std::string(what) + ": not a JSON object");
    read(json);
    return {};
  } catch (const std::exception& bad) {
    return Error(ErrorKind::kInvalid, std::string(what) + ": " + bad.what());
  }
}

}  // namespace fields
}  // namespace sagelet
